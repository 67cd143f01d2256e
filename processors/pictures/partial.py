"""A picture that is still being made, small enough to be sent around while it is."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image

from processors.images import BYTES_MAX, UnusableImage, refuse_unsafe

SIDE_PIXELS: Final = 256
"""The longest side."""
QUALITY: Final = 60
BYTES_LARGEST: Final = 40_000
"""What is larger is not sent: nobody misses one of a few that are shown for a second."""
_FORMATS: Final = ("PNG", "JPEG", "WEBP")


def small(data: bytes) -> bytes:
    """A small WebP of a picture as a provider shows it on its way.

    Raises:
        UnusableImage: it cannot be shown.
    """
    if len(data) > BYTES_MAX:
        raise UnusableImage(f"The picture has {len(data)} bytes.")
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as picture:
            refuse_unsafe(picture)
            shown = picture.convert("RGB")
        shown.thumbnail((SIDE_PIXELS, SIDE_PIXELS), Image.Resampling.BOX, reducing_gap=1.0)
        out = BytesIO()
        shown.save(out, "WEBP", quality=QUALITY, method=0)
    except UnusableImage:
        raise
    # What Pillow's decoders raise on damaged bytes is not a closed set.
    except Exception as error:
        raise UnusableImage(f"The picture cannot be decoded: {error!r}") from error
    if out.tell() > BYTES_LARGEST:
        raise UnusableImage(f"The small picture has {out.tell()} bytes.")
    return out.getvalue()
