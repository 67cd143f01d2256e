"""Image work: check what a provider sent, make it a PNG, and make the previews of it.

Everything here is bytes to bytes and runs in threads; Pillow lets go of the interpreter.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from io import BytesIO
from typing import Final, Literal, TypeVar

import msgspec
from PIL import Image

from processors.pictures.fingerprints import blurhash, near_hash
from processors.worker import metrics
from runtime.errors import PixelpopError

PIXELS_MAX = 25_000_000
"""The largest picture that is decoded: a bomb is refused by its header."""
BYTES_MAX = 50_000_000
PREVIEW_PIXELS = 512
"""The longest side of the preview that every picture has."""
LARGE_PREVIEW_PIXELS = 1024
"""That of the larger previews, for screens that show four points where others show one."""
PREVIEW_QUALITY = 80
PREVIEW_EFFORT = 2
"""Of WebP's 0 to 6: more than this halves the speed and saves a tenth."""
AVIF_QUALITY = 60
"""Looks as WebP's 80 does."""
AVIF_SPEED = 9
"""Of AVIF's 0 to 10. At 8 it takes twice as long and saves a tenth."""
ORIGINAL_TYPE = "image/png"
PREVIEW_TYPE = "image/webp"
AVIF_TYPE = "image/avif"
_FORMATS = ("PNG", "JPEG", "WEBP")
_NAMES: Final = {
    (AVIF_TYPE, PREVIEW_PIXELS): "avif",
    (PREVIEW_TYPE, LARGE_PREVIEW_PIXELS): "1024.webp",
    (AVIF_TYPE, LARGE_PREVIEW_PIXELS): "1024.avif",
}
"""How the keys of the further previews end, in the order in which they are named."""
_ENDINGS: Final = tuple(_NAMES.values())
_LARGE: Final = {"all": (PREVIEW_TYPE, AVIF_TYPE), "webp": (PREVIEW_TYPE,), "small": ()}

Previews = Literal["all", "webp", "small"]
"""Which previews are made: all, those that are WebP, or only the one that every picture has."""
Answer = TypeVar("Answer")
Finish = Callable[[bytes], bytes]
"""What is still done to a PNG before it is stored: see `processors.pictures.notes`."""


class UnusableImage(PixelpopError):
    """These bytes are no picture that may be delivered."""

    code = "unusable-image"


class SmallPicture(msgspec.Struct, frozen=True):
    """A further preview."""

    ending: str
    """How its key ends."""
    content_type: str
    data: bytes
    width: int
    height: int


class Prepared(msgspec.Struct, frozen=True):
    """A picture that can be stored."""

    original: bytes
    """A PNG."""
    preview: bytes
    """A WebP whose longest side has `PREVIEW_PIXELS` at most."""
    width: int
    height: int
    previews: tuple[SmallPicture, ...] = ()
    """Further ones; a larger one only of a picture that is larger than the small one."""
    blurhash: str = ""
    near_hash: str = ""

    @property
    def sha256(self) -> str:
        """Of the original, in hex."""
        return hashlib.sha256(self.original).hexdigest()


async def prepare(
    data: bytes, executor: Executor, *, finish: Finish | None = None, previews: Previews = "all"
) -> Prepared:
    """Check a picture and make its previews, in threads.

    Args:
        data: as a provider sent it, or as it is stored.
        executor: where to work.
        finish: done to the PNG before it is stored; None: it is stored already.
        previews: which to make.

    Raises:
        UnusableImage: it cannot be decoded, is too large, or moves.
    """
    work = partial(prepare_now, data, finish=finish, previews=previews)
    return await asyncio.get_running_loop().run_in_executor(executor, work)


def prepare_now(
    data: bytes, *, finish: Finish | None = None, previews: Previews = "all"
) -> Prepared:
    """As `prepare`, in this thread and in one beside it that has ended when this returns."""
    return _counted(lambda: _checked(data, finish, previews))


def _counted(work: Callable[[], Answer]) -> Answer:
    """What it takes of the processor goes into the metrics."""
    began = time.thread_time()
    try:
        return work()
    finally:
        metrics.PICTURE_CPU_SECONDS.inc(time.thread_time() - began)


def _checked(data: bytes, finish: Finish | None, previews: Previews) -> Prepared:
    if len(data) > BYTES_MAX:
        raise UnusableImage(f"The picture has {len(data)} bytes; {BYTES_MAX} are taken.")
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as picture:
            refuse_unsafe(picture)
            picture.load()
            original = data if picture.format == "PNG" else _encoded(picture, "PNG")
            if finish is not None:
                original = finish(original)
            return _prepared(original, picture, previews)
    except UnusableImage:
        raise
    # What Pillow's decoders raise on damaged bytes is not a closed set.
    except Exception as error:
        raise UnusableImage(f"The picture cannot be decoded: {error!r}") from error


def refuse_unsafe(picture: Image.Image) -> None:
    """Refuse it by its header alone, before a pixel of it is decoded.

    Raises:
        UnusableImage: it is too large, or moves.
    """
    if picture.width * picture.height > PIXELS_MAX:
        raise UnusableImage(f"The picture has {picture.width}x{picture.height} pixels.")
    if getattr(picture, "n_frames", 1) != 1:
        raise UnusableImage("The picture has more than one frame.")


def _prepared(original: bytes, picture: Image.Image, wanted: Previews) -> Prepared:
    width, height = picture.size
    large = picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
    large = _shrunk(large, picture, LARGE_PREVIEW_PIXELS)
    small = _shrunk(large, picture, PREVIEW_PIXELS)
    further = [(small, AVIF_TYPE, PREVIEW_PIXELS)] if wanted == "all" else []
    if max(width, height) > PREVIEW_PIXELS:
        further += [(large, one, LARGE_PREVIEW_PIXELS) for one in _LARGE[wanted]]
    # AVIF has a thread that nobody uses after it: its encoder leaves the upper halves of the wide
    # registers in use, and WebP's takes nearly twice as long in a thread of which that is so.
    with ThreadPoolExecutor(1, "avif") as aside:
        begun = [
            # A copy: while Pillow saves an image, the image holds what it is saved with.
            aside.submit(_counted, partial(_small_picture, shown.copy(), content_type, pixels))
            for shown, content_type, pixels in further
            if content_type == AVIF_TYPE
        ]
        made = [_small_picture(*one) for one in further if one[1] != AVIF_TYPE]
        preview, blurred, near = _encoded_as(small, PREVIEW_TYPE), blurhash(small), near_hash(small)
        made += [one.result() for one in begun]
    previews = tuple(sorted(made, key=lambda one: _ENDINGS.index(one.ending)))
    return Prepared(original, preview, width, height, previews, blurred, near)


def _shrunk(source: Image.Image, original: Image.Image, pixels: int) -> Image.Image:
    """A copy of `source` with no side longer than this, in the shape of the original."""
    longest = max(original.size)
    if longest <= pixels:
        return source
    width, height = (max(1, round(side * pixels / longest)) for side in original.size)
    # A gap of 1 lets whole factors be averaged, at a tenth of the cost of Lanczos.
    return source.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=1.0)


def _small_picture(picture: Image.Image, content_type: str, pixels: int) -> SmallPicture:
    data = _encoded_as(picture, content_type)
    ending = _NAMES[content_type, pixels]
    return SmallPicture(ending, content_type, data, picture.width, picture.height)


def _encoded_as(picture: Image.Image, content_type: str) -> bytes:
    if content_type == AVIF_TYPE:
        # One thread: others work on other pictures.
        return _encoded(picture, "AVIF", quality=AVIF_QUALITY, speed=AVIF_SPEED, max_threads=1)
    return _encoded(picture, "WEBP", quality=PREVIEW_QUALITY, method=PREVIEW_EFFORT)


def _encoded(picture: Image.Image, format_name: str, **options: int) -> bytes:
    out = BytesIO()
    picture.save(out, format_name, **options)
    return out.getvalue()
