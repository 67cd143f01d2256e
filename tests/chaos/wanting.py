"""What customers want: pictures from words, of photos, like one they have, or several at once.

Bodies of requests and nothing else; who asks with them is `tests.chaos.load`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NamedTuple

from PIL import Image

IMAGE, EDIT, VARIATION, BATCH = KINDS = ("image", "edit", "variation", "batch")
WEIGHTS = (6, 2, 1, 1)
GPT = "gpt-image"
COUNTS = (1, 1, 1, 2, 3)
BATCH_SIZES = (2, 3, 5)
MASK_SHARE = 0.3
JPEG_SHARE = 0.5
PHOTO_PIXELS = (160, 120)
"""Small, as the model's pictures are."""


@dataclass(frozen=True)
class Wish:
    """One generation that was asked for."""

    account_id: str
    count: int
    kind: str = IMAGE
    name: str = ""
    """What its prompt is, where it has one: nothing else is asked for with these words."""


class Asked(NamedTuple):
    """One request, and the wishes that it stands for, in order."""

    path: str
    body: dict[str, Any]
    wishes: tuple[Wish, ...]


class Photo(NamedTuple):
    """A file to send."""

    content_type: str
    data: bytes


def from_words(chance: random.Random, account_id: str, name: str, model: str = GPT) -> Asked:
    """A picture from words."""
    count = chance.choice(COUNTS)
    body = {**_common(name, count, model), "kind": IMAGE, "size": "1024x1024"}
    return Asked("/generations", body, (Wish(account_id, count, name=name),))


def of_photos(
    chance: random.Random,
    account_id: str,
    name: str,
    photos: Sequence[str],
    mask: str | None,
    model: str = GPT,
) -> Asked:
    """An edit of these uploads; of the first alone, where the model takes no more."""
    count = chance.choice(COUNTS)
    photos = photos if model == GPT else photos[:1]
    body = {**_common(name, count, model), "kind": EDIT, "upload_ids": list(photos)}
    if mask is not None:
        body["mask_upload_id"] = mask
    return Asked("/generations", body, (Wish(account_id, count, EDIT, name),))


def like_another(
    chance: random.Random, account_id: str, name: str, image_id: str, model: str = GPT
) -> Asked:
    """A variation of this picture; often without a word."""
    body = {**_common(name, 1, model), "kind": VARIATION, "parent_image_id": image_id}
    if model == GPT and chance.random() < 0.5:
        del body["prompt"]
    return Asked("/generations", body, (Wish(account_id, 1, VARIATION, name),))


def several(
    chance: random.Random, account_id: str, name: str, sizes: Sequence[int], model: str = GPT
) -> Asked:
    """A batch."""
    counts = [chance.choice(COUNTS) for _ in range(chance.choice(sizes))]
    items = [
        {"kind": IMAGE, "prompt": f"{name} {number}", "count": count}
        for number, count in enumerate(counts)
    ]
    wishes = tuple(
        Wish(account_id, item["count"], name=item["prompt"])  # type: ignore[arg-type]  # as above
        for item in items
    )
    return Asked("/batches", {"items": items, "model": model}, wishes)


def _common(name: str, count: int, model: str) -> dict[str, Any]:
    return {"prompt": name, "count": count, "style_id": "none", "model": model}


def photo(chance: random.Random) -> Photo:
    """A photo of one colour."""
    picture = Image.new("RGB", PHOTO_PIXELS, tuple(chance.randbytes(3)))
    return _file(picture, "JPEG" if chance.random() < JPEG_SHARE else "PNG")


def mask() -> Photo:
    """A mask for any of these photos: its middle may change."""
    picture = Image.new("RGBA", PHOTO_PIXELS, (0, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (40, 30, 120, 90))
    return _file(picture, "PNG")


def _file(picture: Image.Image, form: str) -> Photo:
    out = BytesIO()
    picture.save(out, form)
    return Photo(f"image/{form.lower()}", out.getvalue())
