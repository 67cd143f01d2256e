"""Claims about drawing, checking and shrinking pictures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from commands.catalogue import SIZES, STYLES
from events.ids import GenerationId
from processors import images
from processors.images import UnusableImage, prepare_now
from processors.providers import ImageRequest
from processors.providers.drawing import draw, flat
from processors.providers.local import LocalProvider
from runtime.settings import Settings


def encoded(picture: Image.Image, format_name: str, **options: object) -> bytes:
    out = BytesIO()
    picture.save(out, format_name, **options)
    return out.getvalue()


def request(**fields: object) -> ImageRequest:
    values = {
        "generation_id": GenerationId("7e5ba6f0-0000-5000-8000-000000000001"),
        "prompt": "a boat",
        "negative_prompt": None,
        "style_id": "none",
        "width": 1024,
        "height": 1024,
        "indices": (0,),
        "seed": 1,
        "quality": "standard",
    } | fields
    return ImageRequest(**values)


@pytest.mark.parametrize("style_id", [style.id for style in STYLES])
def test_every_style_draws_what_it_is_asked_for(style_id: str) -> None:
    """A picture has the size asked for, the same bytes each time, and more than one colour."""
    one = draw(7, style_id, (1536, 1024), "high")
    picture = Image.open(BytesIO(one))
    assert (picture.format, picture.size) == ("PNG", (1536, 1024))
    assert one == draw(7, style_id, (1536, 1024), "high")
    assert len(picture.convert("RGB").resize((64, 64)).getcolors(4096) or []) > 5


async def test_the_local_provider_depends_on_everything_that_was_asked() -> None:
    """Another prompt, seed, style, size or index is another picture; the same is the same."""
    settings = Settings(local_latency_seconds=0.0)
    with ThreadPoolExecutor(2) as executor:
        provider = LocalProvider(settings, executor)
        variants = [
            request(),
            request(prompt="a ship"),
            request(seed=2),
            request(style_id="photo"),
            request(negative_prompt="people"),
            request(quality="high"),
        ]
        drawn = [(await provider.generate(one, None))[0] for one in variants]
        again = await provider.generate(request(indices=(0, 1)), None)
    assert len(set(drawn)) == len(variants)
    assert again[0] == drawn[0]
    assert again[1] != drawn[0]


async def test_the_local_provider_draws_a_missing_picture_as_it_would_have_been() -> None:
    """One picture of a generation is the same whether it is drawn with the others or alone."""
    with ThreadPoolExecutor(2) as executor:
        provider = LocalProvider(Settings(local_latency_seconds=0.0), executor)
        all_of_them = await provider.generate(request(indices=(0, 1, 2)), None)
        some = await provider.generate(request(indices=(0, 2)), None)
    assert some == [all_of_them[0], all_of_them[2]]


@pytest.mark.parametrize("size", SIZES)
def test_a_preview_fits_into_its_square(size: str) -> None:
    """The preview is a WebP whose longest side has 512 pixels; the original stays as it was."""
    width, height = (int(side) for side in size.split("x"))
    original = flat((width, height), (10, 20, 30))
    prepared = prepare_now(original)
    shown = Image.open(BytesIO(prepared.preview))
    assert prepared.original == original
    assert (prepared.width, prepared.height) == (width, height)
    assert shown.format == "WEBP"
    assert max(shown.size) == images.PREVIEW_PIXELS
    assert shown.width * height == pytest.approx(shown.height * width, rel=0.01)


@pytest.mark.parametrize("format_name", ["JPEG", "WEBP"])
def test_other_formats_become_png(format_name: str) -> None:
    """What is stored under a PNG's key is a PNG."""
    prepared = prepare_now(encoded(Image.new("RGB", (64, 32)), format_name))
    assert Image.open(BytesIO(prepared.original)).format == "PNG"


def test_transparency_survives() -> None:
    """A picture with an alpha channel keeps it in its preview."""
    prepared = prepare_now(encoded(Image.new("RGBA", (64, 64), (1, 2, 3, 0)), "PNG"))
    assert Image.open(BytesIO(prepared.preview)).mode == "RGBA"


def bomb() -> bytes:
    """A PNG whose header claims 100,000 x 100,000 pixels."""
    data = bytearray(encoded(Image.new("L", (8, 8)), "PNG"))
    data[16:24] = (100_000).to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        encoded(Image.new("RGB", (64, 64)), "GIF"),
        encoded(Image.new("RGB", (64, 64)), "PNG")[:60],
        encoded(
            Image.new("RGB", (8, 8)),
            "PNG",
            save_all=True,
            append_images=[Image.new("RGB", (8, 8), (9, 9, 9))],
        ),
        bomb(),
    ],
    ids=["empty", "text", "svg", "gif", "torn", "animated", "bomb"],
)
def test_what_cannot_be_delivered_is_refused(data: bytes) -> None:
    """Broken, foreign, moving and huge pictures are unusable, and no crash."""
    with pytest.raises(UnusableImage):
        prepare_now(data)


def test_a_picture_may_carry_text() -> None:
    """Metadata, as providers put their provenance into, does not make a picture unusable."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "somebody")
    data = encoded(Image.new("RGB", (64, 64)), "PNG", pnginfo=info)
    assert prepare_now(data).original == data
