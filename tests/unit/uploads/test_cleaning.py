"""What comes in is checked by its head and drawn anew; nothing of the file but pixels is kept."""

from __future__ import annotations

from io import BytesIO
from random import Random

import pytest
from PIL import Image, ImageCms

from gateway.uploads.cleaning import Bounds, Clean, Refused, clean, described
from tests.unit.uploads import photos

BOUNDS = Bounds(bytes_max=2_000_000, pixels_max=4_000_000, side_pixels=512)


def opened(one: Clean) -> Image.Image:
    """As others will see it."""
    return Image.open(BytesIO(one.data)).convert("RGB")


def near(pixel: object, colour: tuple[int, int, int]) -> bool:
    """Whether they look alike."""
    assert isinstance(pixel, tuple)
    return all(abs(one - other) < 40 for one, other in zip(pixel, colour, strict=True))


def refusal(data: bytes, bounds: Bounds = BOUNDS) -> str:
    """Why it is not taken."""
    with pytest.raises(Refused) as refused:
        clean(data, bounds)
    assert str(refused.value).endswith(".")
    return refused.value.code


@pytest.mark.parametrize(
    ("kind", "options", "content_type"),
    [
        ("JPEG", {"quality": 95}, "image/webp"),
        ("JPEG", {"quality": 95, "progressive": True}, "image/webp"),
        ("PNG", {}, "image/png"),
        ("WEBP", {"lossless": True}, "image/webp"),
        ("WEBP", {"quality": 90}, "image/webp"),
    ],
)
def test_kinds(kind: str, options: dict[str, object], content_type: str) -> None:
    """Each kind of photo that is taken comes out as the same picture, as PNG or WebP."""
    one = clean(photos.encoded(photos.halves(), kind, **options), BOUNDS)
    assert (one.width, one.height, one.content_type) == (120, 80, content_type)
    assert not one.has_alpha
    shown = opened(one)
    assert near(shown.getpixel((10, 40)), (255, 0, 0))
    assert near(shown.getpixel((110, 40)), (0, 0, 255))
    assert described(one.data) == one


def test_heic() -> None:
    """A telephone's HEIC is taken, upright."""
    one = clean(photos.HEIC, BOUNDS)
    assert (one.width, one.height, one.content_type) == (48, 64, "image/webp")
    assert b"Exif" not in one.data


def test_heic_that_crashes_its_library() -> None:
    """One whose items have types that are no text is refused before anything is decoded."""
    for name in (b"Exif", b"hvc1"):
        at = photos.HEIC.index(b"infe", photos.HEIC.index(b"iinf") + 4)
        where = photos.HEIC.index(name, at)
        assert refusal(photos.HEIC[:where] + b"\xff" * 4 + photos.HEIC[where + 4 :]) == "unreadable"


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "CMYK", "YCbCr", "I;16"])
def test_modes(mode: str) -> None:
    """Every kind of pixels comes out as eight-bit RGB, or RGBA where it is transparent."""
    picture = photos.halves() if mode == "I;16" else photos.halves(mode)
    if mode == "I;16":
        picture = Image.new("I;16", (120, 80), 40_000)
    kind = "JPEG" if mode in {"CMYK", "YCbCr"} else "PNG"
    one = clean(photos.encoded(picture, kind), BOUNDS)
    with Image.open(BytesIO(one.data)) as shown:
        assert shown.mode == "RGB"
    if mode == "I;16":
        assert near(opened(one).getpixel((5, 5)), (155, 155, 155))
    elif mode in {"CMYK", "YCbCr", "RGBA", "P"}:
        assert near(opened(one).getpixel((10, 40)), (255, 0, 0))


def test_transparent() -> None:
    """What is transparent stays so, as a mask needs it, and is known."""
    picture = photos.halves("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    for kind in ("PNG", "WEBP"):
        one = clean(photos.encoded(picture, kind, lossless=True), BOUNDS)
        assert (one.content_type, one.has_alpha) == ("image/png", True)
        assert described(one.data).has_alpha


def test_large_is_made_smaller() -> None:
    """A photo and a mask of one size come out as one size, no side longer than is kept."""
    photo = clean(photos.encoded(photos.halves(size=(1600, 900)), "JPEG"), BOUNDS)
    mask = clean(photos.encoded(Image.new("RGBA", (1600, 900)), "PNG"), BOUNDS)
    assert (photo.width, photo.height) == (mask.width, mask.height) == (512, 288)


def test_35_place_and_camera_are_gone() -> None:
    """Threat 35: EXIF with GPS, XMP, comments and profiles are gone; the photo is upright."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = photos.jpeg(
        exif=photos.exif(orientation=6),
        xmp=b"<x:xmpmeta>" + photos.PLACE + b"</x:xmpmeta>",
        comment=photos.PLACE,
        icc_profile=profile,
    )
    assert photos.PLACE in data
    one = clean(data + b"behind its end: " + photos.PLACE, BOUNDS)
    assert (one.width, one.height) == (80, 120)
    assert near(opened(one).getpixel((40, 10)), (255, 0, 0))
    with Image.open(BytesIO(one.data)) as shown:
        assert not shown.getexif()
        assert not {"exif", "xmp", "icc_profile", "comment"} & shown.info.keys()
    assert photos.PLACE not in one.data
    png = clean(photos.encoded(photos.halves(), "PNG", exif=photos.exif()), BOUNDS)
    assert b"eXIf" not in png.data
    assert photos.PLACE not in png.data


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<?xml version='1.0'?><!DOCTYPE svg><svg/>",
        b"<!doctype html><script>alert(1)</script>",
        b"%PDF-1.7",
        b"GIF89a" + bytes(40),
        b"BM" + bytes(60),
        b"II*\x00" + bytes(60),
        b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom",
        b"\x00\x00\x00\x18ftyphevc\x00\x00\x00\x00hevcheic",
        b"just words",
    ],
)
def test_33_what_is_no_photo(data: bytes) -> None:
    """Threat 33: SVG, HTML, GIF and films are refused, whatever they were called."""
    assert refusal(data) == "not-a-photo"


@pytest.mark.parametrize(
    "markup",
    [
        b"<svg onload=alert(1)>",
        b"<SCRIPT>alert(1)</SCRIPT>",
        b"<html>",
        b"<!DOCTYPE html>",
        b"<?php system($_GET[0]); ?>",
        b"<iframe src=//evil>",
    ],
)
def test_33_polyglots(markup: bytes) -> None:
    """Threat 33: a photo that is a page as well is refused: in a comment, a chunk or behind it."""
    assert refusal(photos.jpeg(comment=markup)) == "hidden-content"
    assert refusal(photos.jpeg() + markup) == "hidden-content"
    text = photos.chunk(b"tEXt", b"Comment\x00" + markup)
    assert refusal(photos.png(64, 64, before=text)) == "hidden-content"


def test_34_bombs_by_their_heads() -> None:
    """Threat 34: too many pixels are refused by the header, with nothing there to decode."""
    nothing = b"\x00"
    for sides in ((2001, 2000), (60_000, 60_000), (2**31 - 1, 64)):
        assert refusal(photos.png(*sides, rows=nothing)) == "too-many-pixels"
    assert refusal(photos.webp_of(16_000, 16_000)) == "too-many-pixels"
    huge = bytearray(photos.jpeg())
    at = huge.index(b"\xff\xc0") + 5
    huge[at : at + 4] = b"\xff\x00\xff\x00"
    assert refusal(bytes(huge)) == "too-many-pixels"


def test_34_a_bomb_that_is_short() -> None:
    """Threat 34: a megapixel in a few hundred bytes is a picture like any other within bounds."""
    data = photos.png(1000, 1000)
    assert len(data) < 2000
    assert refusal(data, Bounds(2_000_000, 999_999, 512)) == "too-many-pixels"
    assert clean(data, Bounds(2_000_000, 1_000_000, 512)).width == 512


def test_34_more_data_than_pixels() -> None:
    """Threat 34: a PNG that unpacks to far more than its header says is not unpacked."""
    import zlib

    assert refusal(photos.png(64, 64, rows=zlib.compress(bytes(100))[:9])) == "unreadable"
    one = clean(photos.png(64, 64, rows=zlib.compress(bytes(50_000_000), 9)), BOUNDS)
    assert (one.width, one.height) == (64, 64)


@pytest.mark.parametrize("frames", [2, 5_000, 2**31 - 1])
def test_34_frames(frames: int) -> None:
    """Threat 34: a PNG with two or thousands of frames is refused by its header."""
    assert refusal(photos.moving_png(frames)) == "animated"


def test_34_moving_webp() -> None:
    """Threat 34: a WebP that moves is refused by its header, and by its frames."""
    assert refusal(photos.webp_of(64, 64, moves=True)) == "animated"
    pictures = [photos.halves(), photos.halves().rotate(180)]
    moving = photos.encoded(pictures[0], "WEBP", save_all=True, append_images=pictures[1:])
    assert refusal(moving) == "animated"


def test_several_views_in_one_photo() -> None:
    """A telephone's photo with a second view behind it (MPO) is its first."""
    pictures = [photos.halves(), photos.halves().rotate(180)]
    data = photos.encoded(pictures[0], "MPO", save_all=True, append_images=pictures[1:])
    one = clean(data, BOUNDS)
    assert near(opened(one).getpixel((10, 40)), (255, 0, 0))


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIC"])
def test_cut_short(kind: str, part: float) -> None:
    """A file that was cut short is refused."""
    noise = Image.effect_noise((256, 256), 90).convert("RGB")
    data = photos.HEIC if kind == "HEIC" else photos.encoded(noise, kind)
    assert refusal(data[: int(len(data) * part)]) in {"unreadable", "not-a-photo"}


def test_sizes() -> None:
    """Nothing, too many bytes, and less than a photo are refused, each by its own name."""
    assert refusal(b"") == "empty"
    assert refusal(photos.jpeg() + bytes(2_000_000)) == "too-large"
    assert refusal(photos.encoded(Image.new("RGB", (31, 400)), "PNG")) == "too-small"


def test_broken_profile() -> None:
    """A colour profile that cannot be read costs the photo nothing."""
    one = clean(photos.jpeg(icc_profile=b"no profile"), BOUNDS)
    assert near(opened(one).getpixel((10, 40)), (255, 0, 0))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIC"])
def test_damaged_anywhere(kind: str) -> None:
    """A file with any few bytes changed, swapped or left out is a picture within bounds or refused:
    no decoder brings anything else about.
    """
    noise = Image.effect_noise((64, 48), 90).convert("RGB")
    whole = photos.HEIC if kind == "HEIC" else photos.encoded(noise, kind)
    random = Random(kind)
    outcomes = set()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(random.randint(1, 6)):
            at = random.randrange(len(data))
            match random.randrange(3):
                case 0:
                    data[at] = random.randrange(256)
                case 1:
                    del data[at : at + random.randint(1, 8)]
                case _:
                    data[at:at] = random.randbytes(4)
        try:
            one = clean(bytes(data), BOUNDS)
        except Refused as refused:
            outcomes.add(refused.code)
        else:
            assert 0 < max(one.width, one.height) <= BOUNDS.side_pixels
            outcomes.add("taken")
    assert "unreadable" in outcomes
    assert "taken" in outcomes or kind == "PNG"  # each part of which has a checksum
