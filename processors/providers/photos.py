"""Photos and masks as models want them: ours is transparent where the picture may change."""

from __future__ import annotations

import base64
from io import BytesIO

from PIL import Image, ImageOps

from processors.providers.base import Photo, ProviderError

OPAQUE = 128
"""From this alpha on, of 255, the picture stays."""
_PIXELS_MAX = 50_000_000
_QUALITIES = (90, 75, 55)
_SIDE_MIN = 64


def white_where_open(mask: Photo) -> Photo:
    """White where the picture may change, black where it stays.

    Raises:
        ProviderError: it is no mask.
    """
    return _painted(mask, inside=255, outside=0)


def black_where_open(mask: Photo) -> Photo:
    """Black where the picture may change, white where it stays.

    Raises:
        ProviderError: it is no mask.
    """
    return _painted(mask, inside=0, outside=255)


def within(photo: Photo, side_pixels_max: int) -> Photo:
    """As a PNG whose sides are no longer than that; smaller ones keep their size.

    Raises:
        ProviderError: it is no picture.
    """
    picture = _opened(photo)
    picture.thumbnail((side_pixels_max, side_pixels_max), Image.Resampling.LANCZOS)
    return _png(picture)


def filling(photo: Photo, width: int, height: int) -> Photo:
    """As a PNG of exactly that size; what is too much of one side is cut off, half at each end.

    Raises:
        ProviderError: it is no picture.
    """
    return _png(ImageOps.fit(_opened(photo), (width, height), Image.Resampling.LANCZOS))


def small_enough(photo: Photo, side_pixels_max: int, bytes_max: int) -> Photo:
    """As a WebP whose sides, and whose bytes, are no more than that.

    Raises:
        ProviderError: it is no picture, or cannot be made so small.
    """
    picture = _opened(photo)
    side = side_pixels_max
    while side >= _SIDE_MIN:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        for quality in _QUALITIES:
            out = BytesIO()
            picture.save(out, "WEBP", quality=quality)
            if out.tell() <= bytes_max:
                return Photo(out.getvalue(), "image/webp")
        side = side * 2 // 3
    raise ProviderError("The photo cannot be made small enough.")


def in_base64(photo: Photo) -> str:
    """Its bytes as text."""
    return base64.b64encode(photo.data).decode()


def _painted(mask: Photo, *, inside: int, outside: int) -> Photo:
    alpha = _opened(mask).convert("RGBA").getchannel("A")
    return _png(alpha.point([inside] * OPAQUE + [outside] * (256 - OPAQUE)).convert("RGB"))


def _opened(photo: Photo) -> Image.Image:
    try:
        with Image.open(BytesIO(photo.data)) as picture:
            if picture.width * picture.height > _PIXELS_MAX:
                raise ProviderError("The photo is too large.")
            return picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ProviderError("The photo cannot be read.") from error


def _png(picture: Image.Image) -> Photo:
    out = BytesIO()
    picture.save(out, "PNG")
    return Photo(out.getvalue(), "image/png")
