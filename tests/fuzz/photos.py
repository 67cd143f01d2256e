"""What is fuzzed of photos: files of every kind that is taken, damaged, before the cleaner."""

from __future__ import annotations

import contextlib
import random
from io import BytesIO
from typing import Final

from PIL import Image

from gateway.uploads.cleaning import Bounds, Clean, Refused, clean
from gateway.uploads.decoding import Decoders
from tests.unit.uploads import photos

NAME: Final = "photos"
BOUNDS: Final = Bounds(bytes_max=200_000, pixels_max=1_000_000, side_pixels=128)
SECONDS: Final = 10.0
MEMORY_BYTES: Final = 1_073_741_824
_CHANGES_MAX: Final = 4
_LENGTHS: Final = (
    b"\x00\x00\x00\x00",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x00\x00\xff\xff",
)


def genuine() -> tuple[bytes, ...]:
    """Small files as cameras and browsers write them."""
    picture = photos.halves(size=(48, 40))
    see_through = picture.convert("RGBA")
    see_through.putalpha(Image.linear_gradient("L").resize(picture.size))
    return (
        photos.encoded(picture, "JPEG", exif=photos.exif(orientation=6)),
        photos.encoded(picture, "JPEG", progressive=True),
        photos.encoded(picture, "PNG"),
        photos.encoded(see_through, "PNG"),
        photos.encoded(picture.convert("P"), "PNG"),
        photos.encoded(picture, "WEBP"),
        photos.encoded(see_through, "WEBP", lossless=True),
        photos.HEIC,
        photos.moving_png(3),
        photos.webp_of(64, 64, moves=True),
    )


def damaged(material: tuple[bytes, ...], drawing: random.Random) -> bytes:
    """One of these files, changed here and there: bits, lengths, pieces cut, doubled, exchanged."""
    data = bytearray(drawing.choice(material))
    for _ in range(drawing.randint(1, _CHANGES_MAX)):
        if not data:
            break
        at = drawing.randrange(len(data))
        match drawing.randrange(6):
            case 0:
                data[at] ^= 1 << drawing.randrange(8)
            case 1:
                data[at] = drawing.randrange(256)
            case 2:
                data[at : at + 4] = drawing.choice(_LENGTHS)
            case 3:
                del data[at : at + drawing.randint(1, 64)]
            case 4:
                data[at:at] = data[at : at + drawing.randint(1, 64)]
            case _:
                other = drawing.choice(material)
                data[at:] = other[min(at, len(other)) :]
    return bytes(data)


def check(data: bytes) -> None:
    """A file is taken or refused in words; nothing else may happen over it."""
    with contextlib.suppress(Refused):
        look_at(clean(data, BOUNDS))


def look_at(made: Clean) -> None:
    """What is taken is a picture within its bounds, of pixels alone."""
    with Image.open(BytesIO(made.data), formats=("PNG", "WEBP")) as picture:
        picture.load()
        assert picture.size == (made.width, made.height), "it is as large as is said"
        assert max(picture.size) <= BOUNDS.side_pixels, "no side is too long"
        assert not picture.getexif(), "nothing is told but pixels"


def found(count: int, seed: int) -> list[str]:
    """What `count` damaged files lead to that is neither a picture nor a refusal.

    They are decoded in another process, so that one that crashes is told with its number.
    """
    drawing, material = random.Random(f"{seed} {NAME}"), genuine()
    finds = []
    decoders = _Watched(SECONDS, MEMORY_BYTES)
    try:
        for number in range(count):
            data = damaged(material, drawing)
            try:
                look_at(decoders.clean(data, BOUNDS))
            except Refused:
                if decoders.ends:
                    decoders.ends = 0
                    finds.append(f"{number}: it ended the process: {data.hex()}")
            except Exception as error:  # noqa: BLE001  a crash is what is looked for
                finds.append(f"{number}: {error!r}: {data.hex()}")
    finally:
        decoders.close()
    return finds


class _Watched(Decoders):
    """Counts the processes that ended over a photo."""

    ends = 0

    def note_end(self, *, is_slow: bool) -> None:
        """One more."""
        super().note_end(is_slow=is_slow)
        self.ends += 1
