"""The pictures of the provider `local`: soft light, layered hills, a style's finish, a label.

Everything is drawn small and scaled up where nobody can tell, so that a picture of one megapixel
takes about a tenth of a second on one core.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable
from io import BytesIO
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Colour = tuple[int, int, int]
Size = tuple[int, int]
LABEL = "PREVIEW"
_SCALE = 4
"""Light and clouds are drawn this many times smaller."""


def draw(seed: int, style_id: str, size: Size, quality: str) -> bytes:
    """The PNG of a picture; the same bytes for the same arguments.

    Args:
        seed: what it depends on.
        style_id: of the catalogue; an unknown one has no finish.
        size: width and height in pixels.
        quality: `high` adds layers.
    """
    random = Random(seed)  # noqa: S311  no secret
    palette = palette_of(random, style_id)
    picture = _sky(random, palette, size)
    _light(random, palette, picture)
    _hills(random, palette, picture, layers=7 if quality == "high" else 5)
    _sparks(random, palette, picture)
    finish = FINISHES.get(style_id)
    if finish is not None:
        picture = finish(picture)
    label(picture)
    return png(picture)


def flat(size: Size, colour: Colour) -> bytes:
    """The PNG of one colour."""
    return png(Image.new("RGB", size, colour))


_MOODS = (
    # sky above, sky, horizon, far hills, …, near hills, light
    "2b3a67 6a5d97 f2b5a0 c98a93 8b5f83 3d2c4e ffe8c9",  # dusk
    "1f6f8b 74b3bd f6e3c5 9fbfae 5a8a80 1d4044 fff6df",  # sea
    "f08a5d f9c784 fff1d0 e0a07a a35d5c 4a2a3c fffbe6",  # desert
    "27496d 5b8fb0 cfe3ea 93b5c1 557a8c 152b3c ffffff",  # winter
    "3f2b63 a8577e ffb38a d16f78 7f3f67 2a1740 ffe3b0",  # sunset
    "4d7c6f a3c6a0 f4efcf 8fb08a 4f7a5c 1c3a2e fffbe0",  # meadow
    "5b6c9e b7b5dd fbe4ee c9a7c7 8a739f 3b3557 fff5fb",  # blossom
    "0f2540 2f5d8a 9cc4d9 5f8fae 2d587c 0a1a2e f4fbff",  # night
)


def palette_of(random: Random, style_id: str) -> list[Colour]:
    """Seven colours, from the sky to the nearest hill, and the light; never twice quite alike."""
    turn = random.uniform(-0.05, 0.05)
    dark = style_id == "neon"
    colours = []
    for text in random.choice(_MOODS).split():
        red, green, blue = (part / 255 for part in bytes.fromhex(text))
        hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
        if dark:
            lightness, saturation = 0.42 * lightness, min(1.0, saturation * 1.5 + 0.2)
        colours.append(_rgb(hue + turn, lightness, saturation))
    if dark:
        colours[-1] = _rgb(random.choice((0.52, 0.85, 0.92)), 0.62, 1.0)
    return colours


def _rgb(hue: float, lightness: float, saturation: float) -> Colour:
    red, green, blue = colorsys.hls_to_rgb(hue % 1.0, lightness, saturation)
    return round(255 * red), round(255 * green), round(255 * blue)


def _sky(random: Random, palette: list[Colour], size: Size) -> Image.Image:
    """A mesh of a few colours, stretched until it is a gradient."""
    mesh = Image.new("RGB", (3, 4))
    for row, place in enumerate((0.0, 0.7, 1.5, 2.0)):
        for column in range(3):
            near = min(max(place + random.uniform(-0.45, 0.45), 0.0), 2.0)
            mesh.putpixel((column, row), _between(palette, near))
    soft = mesh.resize((size[0] // 8, size[1] // 8), Image.Resampling.BICUBIC)
    return soft.resize(size, Image.Resampling.BILINEAR)


def _light(random: Random, palette: list[Colour], picture: Image.Image) -> None:
    """A sun with its glow, and clouds of light."""
    width, height = picture.width // _SCALE, picture.height // _SCALE
    mask = Image.new("L", (width, height), 0)
    pencil = ImageDraw.Draw(mask)
    x, y = random.uniform(0.2, 0.8) * width, random.uniform(0.15, 0.42) * height
    radius = random.uniform(0.07, 0.15) * min(width, height)
    for ring, strength in ((3.2, 40), (2.2, 70), (1.5, 110)):
        _disc(pencil, x, y, radius * ring, strength)
    for _ in range(9):
        cloud_x, cloud_y = random.uniform(0, width), random.uniform(0, 0.6 * height)
        reach = random.uniform(0.08, 0.22) * width
        box = (cloud_x - reach, cloud_y - reach / 7, cloud_x + reach, cloud_y + reach / 7)
        pencil.ellipse(box, fill=random.randint(25, 70))
    mask = mask.filter(ImageFilter.GaussianBlur(radius / 2.2))
    _disc(ImageDraw.Draw(mask), x, y, radius, 235)
    mask = mask.filter(ImageFilter.GaussianBlur(0.8))
    glow = Image.new("RGB", picture.size, _lighter(palette[-1], 0.55))
    picture.paste(glow, mask=mask.resize(picture.size, Image.Resampling.BICUBIC))


def _disc(pencil: ImageDraw.ImageDraw, x: float, y: float, radius: float, fill: int) -> None:
    pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _hills(random: Random, palette: list[Colour], picture: Image.Image, *, layers: int) -> None:
    """Ridge behind ridge, each darker and rougher than the one before."""
    width, height = picture.size
    for layer in range(layers):
        depth = (layer + 1) / layers
        base = height * (0.42 + 0.5 * depth)
        waves = [
            (
                random.uniform(0.6, 1.6) * (octave + 1) ** 1.6,
                random.uniform(0, math.tau),
                height * 0.09 / (octave + 1) ** 1.35,
            )
            for octave in range(5)
        ]
        points = [(0.0, float(height))]
        for x in range(0, width + 8, 8):
            turn = math.tau * x / width
            rise = sum(reach * math.sin(pace * turn + start) for pace, start, reach in waves)
            points.append((float(x), base + rise))
        points.append((float(width), float(height)))
        place = 2.6 + depth * 2.4
        ImageDraw.Draw(picture).polygon(points, fill=_between(palette, place))


def _sparks(random: Random, palette: list[Colour], picture: Image.Image) -> None:
    """A few points of light in the air."""
    pencil = ImageDraw.Draw(picture, "RGBA")
    unit = min(picture.size) / 1024
    for _ in range(60):
        x = random.uniform(0, picture.width)
        y = random.triangular(0, picture.height, picture.height * 0.3)
        radius = random.uniform(0.8, 3.4) * unit
        tint = (*_lighter(palette[-1], 0.7), random.randint(70, 210))
        pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tint)


def _between(palette: list[Colour], place: float) -> Colour:
    """The colour at a place between the sky above, 0, and the nearest hill, 5."""
    first = min(int(place), len(palette) - 3)
    part = min(place - first, 1.0)
    return _mixed(palette[first], palette[first + 1], part)


def _lighter(colour: Colour, part: float) -> Colour:
    return _mixed(colour, (255, 255, 255), part)


def _mixed(one: Colour, other: Colour, part: float) -> Colour:
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _photo(picture: Image.Image) -> Image.Image:
    """A fast lens: soft at the edge, and a little darker there."""
    small = picture.resize((picture.width // 6, picture.height // 6), Image.Resampling.BILINEAR)
    soft = small.filter(ImageFilter.GaussianBlur(2)).resize(picture.size)
    edge = Image.radial_gradient("L").resize(picture.size).point(lambda far: min(255, far * 2 // 3))
    blurred = Image.composite(soft, picture, edge)
    vignette = ImageOps.invert(edge.point(lambda far: far // 3)).convert("RGB")
    return ImageChops.multiply(blurred, vignette)


def _pixel(picture: Image.Image) -> Image.Image:
    small = picture.resize((picture.width // 12, picture.height // 12), Image.Resampling.BOX)
    few = small.quantize(20, dither=Image.Dither.NONE).convert("RGB")
    return few.resize(picture.size, Image.Resampling.NEAREST)


def _watercolour(picture: Image.Image) -> Image.Image:
    """Wet borders and the grain of the paper."""
    small = picture.resize((picture.width // 3, picture.height // 3), Image.Resampling.BILINEAR)
    wet = small.filter(ImageFilter.MedianFilter(5)).filter(ImageFilter.SMOOTH_MORE)
    faded = Image.blend(wet, Image.new("RGB", wet.size, (250, 246, 238)), 0.28)
    return faded.resize(picture.size, Image.Resampling.BICUBIC)


def _poster(picture: Image.Image) -> Image.Image:
    few = picture.quantize(7, dither=Image.Dither.NONE).convert("RGB")
    return ImageEnhance.Color(few).enhance(1.35)


def _neon(picture: Image.Image) -> Image.Image:
    """What is bright glows."""
    small = picture.resize((picture.width // 4, picture.height // 4), Image.Resampling.BILINEAR)
    bright = small.point(lambda value: max(0, value - 70) * 2)
    glow = bright.filter(ImageFilter.GaussianBlur(7)).resize(picture.size)
    return ImageChops.screen(picture, glow)


FINISHES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "photo": _photo,
    "pixel": _pixel,
    "watercolour": _watercolour,
    "poster": _poster,
    "neon": _neon,
}


def label(picture: Image.Image) -> None:
    """A discreet ribbon: nobody shall take this for what a real model draws."""
    height = max(18, min(picture.size) // 30)
    font = ImageFont.load_default(height * 0.6)
    pencil = ImageDraw.Draw(picture, "RGBA")
    width = pencil.textlength(LABEL, font=font) + height
    right, bottom = picture.width - height * 0.6, picture.height - height * 0.6
    box = (right - width, bottom - height, right, bottom)
    pencil.rounded_rectangle(box, radius=height / 2, fill=(0, 0, 0, 110))
    middle = (right - width / 2, bottom - height / 2)
    pencil.text(middle, LABEL, font=font, anchor="mm", fill=(255, 255, 255, 230))


def png(picture: Image.Image) -> bytes:
    """As a file."""
    out = BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()
