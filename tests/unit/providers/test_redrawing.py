"""What `local` makes of photos."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageStat

from processors.providers.base import EDIT, VARIATION, ImageRequest, Photo, ProviderError
from processors.providers.redrawing import redraw
from tests.unit.providers.calls import asking
from tests.unit.uploads import photos

HALVES = Photo(photos.encoded(photos.halves(size=(300, 200)), "PNG"), "image/png")
WEBP = Photo(photos.encoded(photos.halves(size=(300, 200)), "WEBP"), "image/webp")


def asked(**changes: Any) -> ImageRequest:
    """An edit of the halves."""
    fields = {"kind": EDIT, "photos": (HALVES,), "width": 384, "height": 256} | changes
    return asking("make it snow", **fields)


def drawn(one: ImageRequest, seed: int = 1) -> Image.Image:
    """As a picture."""
    return Image.open(BytesIO(redraw(seed, one))).convert("RGB")


def mean(picture: Image.Image, box: tuple[int, int, int, int]) -> list[float]:
    """Of red, green and blue."""
    return ImageStat.Stat(picture.crop(box)).mean


@pytest.mark.parametrize("kind", [EDIT, VARIATION])
@pytest.mark.parametrize("photo", [HALVES, WEBP])
def test_it_shows_the_photo(kind: str, photo: Photo) -> None:
    """The photo's halves can be told apart, in the size that was asked for."""
    one = asked(kind=kind, photos=(photo,))
    picture = drawn(one)
    assert picture.size == (384, 256)
    left, right = mean(picture, (20, 60, 100, 180)), mean(picture, (280, 60, 360, 180))
    assert sum(abs(a - b) for a, b in zip(left, right, strict=True)) > 30
    assert redraw(1, one) == redraw(1, one)
    assert redraw(1, one) != redraw(2, one)


def test_only_where_the_mask_is_open() -> None:
    """Where a mask is opaque the photo stays as it was."""
    mask = Image.new("RGBA", (300, 200), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 150, 200))
    picture = drawn(asked(mask=Photo(photos.encoded(mask, "PNG"), "image/png")))
    assert mean(picture, (280, 20, 360, 200)) == pytest.approx([0, 0, 255], abs=3)
    assert mean(picture, (20, 20, 100, 200)) != pytest.approx([255, 0, 0], abs=30)


def test_further_photos_are_seen() -> None:
    """A second photo changes the picture."""
    other = Photo(photos.encoded(Image.new("RGB", (64, 64), (0, 255, 0)), "PNG"), "image/png")
    assert redraw(1, asked(photos=(HALVES, other))) != redraw(1, asked())


def test_a_photo_that_cannot_be_read() -> None:
    """It fails as a provider's calls do."""
    with pytest.raises(ProviderError):
        redraw(1, asked(photos=(Photo(b"\x89PNG nothing", "image/png"),)))
