"""Masks as models want them: ours is transparent where the picture may change."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from processors.providers.base import Photo, ProviderError

OPAQUE = 128
"""From this alpha on, of 255, the picture stays."""
_PIXELS_MAX = 50_000_000


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


def _painted(mask: Photo, *, inside: int, outside: int) -> Photo:
    try:
        with Image.open(BytesIO(mask.data)) as picture:
            if picture.width * picture.height > _PIXELS_MAX:
                raise ProviderError("The mask is too large.")
            alpha = picture.convert("RGBA").getchannel("A")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ProviderError("The mask cannot be read.") from error
    painted = alpha.point([inside] * OPAQUE + [outside] * (256 - OPAQUE)).convert("RGB")
    out = BytesIO()
    painted.save(out, "PNG")
    return Photo(out.getvalue(), "image/png")
