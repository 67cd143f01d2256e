"""What the provider `local` makes of photos: the same scene in other light, marked as a preview."""

from __future__ import annotations

from io import BytesIO
from random import Random

from PIL import Image, ImageChops, ImageEnhance, ImageOps

from processors.providers import drawing
from processors.providers.base import VARIATION, ImageRequest, Photo, ProviderError

PIXELS_MAX = 50_000_000
STRENGTH = 0.45
"""How much of an edit is new, of 1; the rest is the photo as it was."""
INSET = 4
"""Further photos are shown as small as this part of a side."""
_FORMATS = ("PNG", "WEBP")


def redraw(seed: int, request: ImageRequest) -> bytes:
    """The PNG of a picture that is made from photos; the same bytes for the same arguments.

    Args:
        seed: what is new depends on it.
        request: an edit or a variation, with its photos.

    Raises:
        ProviderError: a photo cannot be read.
    """
    random = Random(seed)  # noqa: S311  no secret
    size = (request.width, request.height)
    photos = [_opened(photo).convert("RGB") for photo in request.photos]
    picture = ImageOps.fit(photos[0], size, Image.Resampling.LANCZOS)
    before = picture.copy()
    if request.kind == VARIATION:
        picture = _from_elsewhere(random, picture)
    picture = _in_other_light(random, request.style_id, picture)
    for number, photo in enumerate(photos[1:]):
        side = min(size) // INSET
        inset = ImageOps.fit(photo, (side, side), Image.Resampling.LANCZOS)
        picture.paste(inset, (side // 8 + number * (side + side // 8), side // 8))
    if request.mask is not None:
        kept = ImageOps.fit(_opened(request.mask).convert("RGBA").getchannel("A"), size)
        picture = Image.composite(before, picture, kept)
    drawing.label(picture)
    return drawing.png(picture)


def _from_elsewhere(random: Random, picture: Image.Image) -> Image.Image:
    """A step closer, to one side, at times from the other side."""
    width, height = picture.size
    part = random.uniform(0.82, 0.95)
    left, top = random.uniform(0, width * (1 - part)), random.uniform(0, height * (1 - part))
    box = (left, top, left + width * part, top + height * part)
    nearer = picture.resize(picture.size, Image.Resampling.BICUBIC, box=box)
    return ImageOps.mirror(nearer) if random.random() < STRENGTH else nearer


def _in_other_light(random: Random, style_id: str, picture: Image.Image) -> Image.Image:
    """Toned by a palette from dark to light, and with the style's finish."""
    palette = drawing.palette_of(random, style_id)
    toned = ImageOps.colorize(picture.convert("L"), palette[-2], palette[-1], palette[2])
    lit = ImageChops.soft_light(Image.blend(picture, toned, STRENGTH), toned)
    lit = ImageEnhance.Contrast(lit).enhance(random.uniform(0.95, 1.15))
    finish = drawing.FINISHES.get(style_id)
    return lit if finish is None else finish(lit)


def _opened(photo: Photo) -> Image.Image:
    try:
        with Image.open(BytesIO(photo.data), formats=_FORMATS) as picture:
            if picture.width * picture.height > PIXELS_MAX:
                raise ProviderError("The photo is too large.")
            picture.load()
            return picture.copy()
    # What Pillow's decoders raise on damaged bytes is not a closed set.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ProviderError("The photo cannot be read.") from error
