"""Image work: check what a provider sent, make it a PNG, and make the small preview of it.

Everything here is bytes to bytes and runs in threads; Pillow lets go of the interpreter.
"""

from __future__ import annotations

import asyncio
import hashlib
from concurrent.futures import Executor
from io import BytesIO

import msgspec
from PIL import Image

from runtime.errors import PixelpopError

PIXELS_MAX = 25_000_000
"""The largest picture that is decoded: a bomb is refused by its header."""
BYTES_MAX = 50_000_000
PREVIEW_PIXELS = 512
"""The longest side of a preview."""
PREVIEW_QUALITY = 80
PREVIEW_EFFORT = 2
"""Of WebP's 0 to 6: more than this halves the speed and saves a tenth."""
ORIGINAL_TYPE = "image/png"
PREVIEW_TYPE = "image/webp"
_FORMATS = ("PNG", "JPEG", "WEBP")


class UnusableImage(PixelpopError):
    """These bytes are no picture that may be delivered."""

    code = "unusable-image"


class Prepared(msgspec.Struct, frozen=True):
    """A picture that can be stored."""

    original: bytes
    """A PNG."""
    preview: bytes
    """A WebP whose longest side has `PREVIEW_PIXELS` at most."""
    width: int
    height: int

    @property
    def sha256(self) -> str:
        """Of the original, in hex."""
        return hashlib.sha256(self.original).hexdigest()


async def prepare(data: bytes, executor: Executor) -> Prepared:
    """Check a picture and make its preview, in a thread.

    Raises:
        UnusableImage: it cannot be decoded, is too large, or moves.
    """
    return await asyncio.get_running_loop().run_in_executor(executor, prepare_now, data)


def prepare_now(data: bytes) -> Prepared:
    """As `prepare`, in this thread."""
    if len(data) > BYTES_MAX:
        raise UnusableImage(f"The picture has {len(data)} bytes; {BYTES_MAX} are taken.")
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as picture:
            _refuse_unsafe(picture)
            picture.load()
            original = data if picture.format == "PNG" else _encoded(picture, "PNG")
            return Prepared(original, _preview(picture), picture.width, picture.height)
    except UnusableImage:
        raise
    # What Pillow's decoders raise on damaged bytes is not a closed set.
    except Exception as error:
        raise UnusableImage(f"The picture cannot be decoded: {error!r}") from error


def _refuse_unsafe(picture: Image.Image) -> None:
    """By its header alone, before a pixel of it is decoded."""
    if picture.width * picture.height > PIXELS_MAX:
        raise UnusableImage(f"The picture has {picture.width}x{picture.height} pixels.")
    if getattr(picture, "n_frames", 1) != 1:
        raise UnusableImage("The picture has more than one frame.")


def _preview(picture: Image.Image) -> bytes:
    shown = picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
    size = (PREVIEW_PIXELS, PREVIEW_PIXELS)
    # A gap of 1 lets whole factors be averaged, at a tenth of the cost of Lanczos.
    shown.thumbnail(size, Image.Resampling.LANCZOS, reducing_gap=1.0)
    return _encoded(shown, "WEBP", quality=PREVIEW_QUALITY, method=PREVIEW_EFFORT)


def _encoded(picture: Image.Image, format_name: str, **options: int) -> bytes:
    out = BytesIO()
    picture.save(out, format_name, **options)
    return out.getvalue()
