"""From a stranger's file to a picture of ours: checked by its head, decoded, and drawn anew.

What comes out is made of pixels alone. Nothing else of the file is kept: no place, no camera, no
thumbnail, no colour profile, no bytes behind its end.
"""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import Final, Literal

import msgspec
from PIL import Image, ImageCms, ImageOps

from gateway.uploads.sniffing import (
    HEIC,
    HEIF,
    JPEG,
    PNG,
    WEBP,
    holds_markup,
    names_its_items,
    sniff,
    webp_head,
)
from runtime.errors import PixelpopError

SIDE_MIN: Final = 32
"""Less than this is no photo, and no model takes it."""
_FORMATS: Final = {JPEG: "JPEG", PNG: "PNG", WEBP: "WEBP", HEIC: "HEIF", HEIF: "HEIF"}
_ENDINGS: Final = {PNG: "png", WEBP: "webp"}
OwnType = Literal["image/png", "image/webp"]
"""What our own pictures are."""
_PHOTO_QUALITY: Final = 92
_PHOTO_EFFORT: Final = 2
_PNG_LEVEL: Final = 6
_HEIF_PICTURES_MAX: Final = 16
"""Of one file; only its main picture is decoded."""
_PROFILE_BYTES_MAX: Final = 1_048_576
_OPAQUE: Final = 255
_SMOOTH: Final = {"L", "RGB", "CMYK", "YCbCr", "LAB"}


class Refused(PixelpopError):
    """The file is not taken; `code` is stable, and the message a sentence for who sent it."""

    code = "unreadable"

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code  # type: ignore[misc]  # one class, many codes


class Bounds(msgspec.Struct, frozen=True):
    """How large a file may be, and how large a picture of ours is."""

    bytes_max: int
    pixels_max: int
    side_pixels: int
    """The longest side of what comes out."""


class Clean(msgspec.Struct, frozen=True):
    """A picture that is ours."""

    data: bytes
    content_type: OwnType
    """PNG where it was one or is transparent anywhere; WebP otherwise."""
    width: int
    height: int
    has_alpha: bool
    """Whether it is transparent anywhere, as a mask must be."""

    @property
    def ending(self) -> str:
        """How its key ends."""
        return _ENDINGS[self.content_type]

    @property
    def sha256(self) -> str:
        """Of its bytes, in hex."""
        return hashlib.sha256(self.data).hexdigest()


def clean(data: bytes, bounds: Bounds) -> Clean:
    """Draw the picture anew; slow, and for a process that may end over it (`decoding`).

    Raises:
        Refused: it is no picture that is taken here.
        MemoryError: there is not enough for it.
    """
    content_type = _checked(data, bounds)
    try:
        return _drawn_anew(data, content_type, bounds)
    except (Refused, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(bounds) from error
    # What decoders raise on damaged bytes is not a closed set.
    except Exception as error:
        raise unreadable() from error


def _checked(data: bytes, bounds: Bounds) -> str:
    """What kind of photo it is, by its bytes, if it may be one that is taken."""
    if not data:
        raise Refused("empty", "The file is empty. Send it again.")
    if len(data) > bounds.bytes_max:
        raise Refused(
            "too-large", f"The file is larger than {bounds.bytes_max} bytes. Send a smaller one."
        )
    content_type = sniff(data)
    if content_type is None:
        raise Refused(
            "not-a-photo", "The file is no JPEG, PNG, WebP or HEIC photo. Send it as one of these."
        )
    if holds_markup(data):
        raise Refused("hidden-content", "The file holds more than a picture. Send the photo alone.")
    if content_type in {HEIC, HEIF} and not names_its_items(data):
        raise unreadable()
    head = webp_head(data) if content_type == WEBP else None
    if head is not None:
        _check_size(*head[:2], bounds)
        if head[2]:
            raise _moves()
    return content_type


def unreadable() -> Refused:
    """The refusal of what no decoder can make a picture of."""
    return Refused("unreadable", "The photo cannot be read; it may be damaged. Send another.")


def too_heavy() -> Refused:
    """The refusal of what takes more time or memory than a photo may."""
    return Refused(
        "too-heavy",
        "Reading the photo takes too much time or memory. Save it anew, or smaller, and send that.",
    )


def described(data: bytes) -> Clean:
    """A picture that we drew before, from its bytes."""
    with Image.open(BytesIO(data), formats=("PNG", "WEBP")) as picture:
        content_type: OwnType = PNG if picture.format == "PNG" else WEBP
        return Clean(data, content_type, picture.width, picture.height, picture.mode == "RGBA")


def _drawn_anew(data: bytes, content_type: str, bounds: Bounds) -> Clean:
    if content_type in {HEIC, HEIF}:
        _learn_heif()
    with Image.open(BytesIO(data), formats=(_FORMATS[content_type],)) as picture:
        _check_size(picture.width, picture.height, bounds)
        frames = getattr(picture, "n_frames", 1)
        # Telephones put further views of a photo behind it (MPO), or beside it (HEIF).
        further = _HEIF_PICTURES_MAX if picture.format in {"MPO", "HEIF"} else 1
        if frames > further:
            raise _moves()
        side = bounds.side_pixels
        # A JPEG can be decoded at a half, a quarter or an eighth of its size.
        picture.draft(None, (side, side))
        profile = picture.info.get("icc_profile")
        picture.load()
        upright = _smooth(ImageOps.exif_transpose(picture))
    upright.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return _encoded(_in_srgb(upright, profile), keep_png=content_type == PNG)


def _check_size(width: int, height: int, bounds: Bounds) -> None:
    if width * height > bounds.pixels_max:
        raise _too_many_pixels(bounds)
    if min(width, height) < SIDE_MIN:
        raise Refused(
            "too-small", f"The photo is {width}x{height} pixels; it needs {SIDE_MIN} on each side."
        )


def _too_many_pixels(bounds: Bounds) -> Refused:
    millions = bounds.pixels_max / 1_000_000
    return Refused(
        "too-many-pixels", f"The photo has more than {millions:g} million pixels. Make it smaller."
    )


def _moves() -> Refused:
    return Refused("animated", "The picture moves. Send a photo that stands still.")


def _smooth(picture: Image.Image) -> Image.Image:
    """In pixels of eight bits that can be averaged, as those of a palette cannot."""
    if picture.mode.startswith("I;16"):
        picture = picture.convert("I")
    if picture.mode == "I":  # `convert` would cut off what is above eight bits
        return picture.point(lambda value: value * (1 / 257)).convert("L")
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    return picture if picture.mode in _SMOOTH else picture.convert("RGB")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB or RGBA, with colours that look right without the profile that said what they mean."""
    has_alpha = picture.mode == "RGBA"
    if profile and len(profile) <= _PROFILE_BYTES_MAX and not has_alpha:
        try:
            converted = ImageCms.profileToProfile(
                picture,
                ImageCms.ImageCmsProfile(BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None  # a profile that is broken, or of another kind of colours
        if converted is not None:
            return converted
    return picture.convert("RGBA" if has_alpha else "RGB")


def _encoded(picture: Image.Image, *, keep_png: bool) -> Clean:
    # A new picture takes nothing along that the old one knew of itself.
    plain = Image.new(picture.mode, picture.size)
    plain.paste(picture)
    has_alpha = plain.mode == "RGBA" and _lowest_alpha(plain) < _OPAQUE
    if plain.mode == "RGBA" and not has_alpha:
        plain = plain.convert("RGB")
    out = BytesIO()
    content_type: OwnType = PNG if has_alpha or keep_png else WEBP
    if content_type == PNG:
        plain.save(out, "PNG", compress_level=_PNG_LEVEL)
    else:
        plain.save(out, "WEBP", quality=_PHOTO_QUALITY, method=_PHOTO_EFFORT)
    return Clean(out.getvalue(), content_type, plain.width, plain.height, has_alpha)


def _lowest_alpha(picture: Image.Image) -> int:
    lowest, _ = picture.getchannel("A").getextrema()
    assert isinstance(lowest, int)
    return lowest


def _learn_heif() -> None:
    """Its library is loaded only where somebody sends such a photo; twice does no harm."""
    import pi_heif

    pi_heif.register_heif_opener(thumbnails=False)
