"""What OpenAI's image API takes as the form of an edit, and what it refuses.

https://platform.openai.com/docs/api-reference/images/createEdit: PNG, WebP or JPEG, below 50 MB
each, up to 16 of them; a mask is a PNG with an alpha channel, as large as the first image and of
its format.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import msgspec
from aiohttp import BodyPartReader, web
from PIL import Image, UnidentifiedImageError

IMAGES_MAX = 16
IMAGE_BYTES_MAX = 50 * 1024 * 1024
_TYPES = {"PNG": "image/png", "WEBP": "image/webp", "JPEG": "image/jpeg"}


class Edit(msgspec.Struct):
    """The pictures of one request: format and size of each."""

    images: list[tuple[str, tuple[int, int]]]
    mask: tuple[str, tuple[int, int]] | None


class BadPicture(Exception):
    """A picture of the form cannot be used."""

    def __init__(self, param: str, code: str, status: int = 400) -> None:
        super().__init__(f"{param}: {code}")
        self.param = param
        self.code = code
        self.status = status


async def read_edit(request: web.Request) -> tuple[dict[str, Any], Edit]:
    """The fields of a form, and what its pictures are.

    Raises:
        BadPicture: one cannot be used.
    """
    body: dict[str, Any] = {}
    images: list[Image.Image] = []
    mask: Image.Image | None = None
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        name = part.name or ""
        if name in {"image", "image[]"}:
            images.append(await _picture(part, "image"))
        elif name == "mask":
            mask = await _picture(part, "mask")
        else:
            body[name] = await part.text()
    for name in ("n", "partial_images"):
        if str(body.get(name, "")).isdigit():
            body[name] = int(body[name])
    if "stream" in body:
        body["stream"] = body["stream"] == "true"
    if not 1 <= len(images) <= IMAGES_MAX:
        raise BadPicture("image", "invalid_value")
    if mask is not None:
        _check_mask(mask, images[0])
    shown = [(str(one.format), one.size) for one in images]
    return body, Edit(shown, None if mask is None else (str(mask.format), mask.size))


async def _picture(part: BodyPartReader, param: str) -> Image.Image:
    data = bytes(await part.read())
    if len(data) >= IMAGE_BYTES_MAX:
        raise BadPicture(param, "image_too_large", 413)
    try:
        picture = Image.open(BytesIO(data))
        picture.load()
    except (UnidentifiedImageError, OSError):
        raise BadPicture(param, "invalid_image_file") from None
    if _TYPES.get(str(picture.format)) != part.headers.get("Content-Type"):
        raise BadPicture(param, "invalid_image_format")
    return picture


def _check_mask(mask: Image.Image, first: Image.Image) -> None:
    if mask.format != "PNG" or mask.format != first.format or "A" not in mask.getbands():
        raise BadPicture("mask", "invalid_mask_image_format")
    if mask.size != first.size:
        raise BadPicture("mask", "mask_size_mismatch")
