"""What can be told of a picture in a few characters: how it looks from afar, and its likes.

Both are made of the pixels alone, from a copy of a few hundred pixels, so that they cost about a
millisecond and are the same whoever makes them.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

from PIL import Image

BLUR_COMPONENTS: Final = (4, 3)
"""Of a BlurHash: how many waves across and down; turned for a picture that stands upright."""
BLUR_PIXELS: Final = 24
"""The side of the copy that it is made of; more changes nothing that can be seen."""
NEAR_BITS: Final = 64
NEAR_APART_MAX: Final = 10
"""Two pictures whose hashes differ in so many bits at most look alike."""

_HASH_SIDE: Final = 8
_BASE_83: Final = (
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
)
_SRGB_KNEE: Final = 0.04045
_LINEAR_KNEE: Final = 0.0031308
_LINEAR: Final = tuple(
    value / 12.92 if value <= _SRGB_KNEE else ((value + 0.055) / 1.055) ** 2.4
    for value in (byte / 255 for byte in range(256))
)

Colour = tuple[float, ...]


def blurhash(picture: Image.Image) -> str:
    """The BlurHash of a picture: what an app shows until the picture is there.

    By the algorithm at https://github.com/woltapp/blurhash (28 characters for 4 by 3 components).
    What is transparent counts as white.
    """
    wide, high = BLUR_COMPONENTS
    if picture.height > picture.width:
        wide, high = high, wide
    factors = _factors(_flat(picture).resize((BLUR_PIXELS, BLUR_PIXELS), Image.Resampling.BOX))
    first, *others = [factors[down][across] for down in range(high) for across in range(wide)]
    loudest = max(abs(part) for colour in others for part in colour)
    steps = max(0, min(82, math.floor(loudest * 166 - 0.5)))
    scale = (steps + 1) / 166
    average = _byte(first[0]) << 16 | _byte(first[1]) << 8 | _byte(first[2])
    head = _digits((wide - 1) + (high - 1) * 9, 1) + _digits(steps, 1) + _digits(average, 4)
    return head + "".join(_digits(_quantised(colour, scale), 2) for colour in others)


def near_hash(picture: Image.Image) -> str:
    """64 bits in hex which are nearly the same for pictures that look alike.

    The difference hash: whether each of 8 by 8 places is brighter than the one right of it. It
    survives scaling, another encoding and a change of brightness, not turning or cropping.
    """
    size = (_HASH_SIDE + 1, _HASH_SIDE)
    small = _flat(picture).convert("L").resize(size, Image.Resampling.BOX)
    grey = small.tobytes()
    bits = 0
    for row in range(_HASH_SIDE):
        line = grey[row * size[0] : (row + 1) * size[0]]
        for left, right in pairwise(line):
            bits = bits << 1 | (left > right)
    return f"{bits:016x}"


def apart(one: str, other: str) -> int:
    """In how many bits two near-duplicate hashes differ; see `NEAR_APART_MAX`."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def _flat(picture: Image.Image) -> Image.Image:
    """Without transparency, on white."""
    if "A" not in picture.getbands():
        return picture.convert("RGB")
    flat = Image.new("RGB", picture.size, (255, 255, 255))
    flat.paste(picture, mask=picture.getchannel("A"))
    return flat


def _factors(small: Image.Image) -> list[list[Colour]]:
    """How strong each wave is in each colour, in linear light: rows of components."""
    side, most = BLUR_PIXELS, max(BLUR_COMPONENTS)
    data = small.tobytes()
    light = [_LINEAR[value] for value in data]
    waves = [
        [math.cos(math.pi * wave * place / side) for place in range(side)] for wave in range(most)
    ]
    # First along each row, then down: the waves are products.
    rows = [
        [
            [
                sum(wave[x] * light[(y * side + x) * 3 + part] for x in range(side))
                for part in range(3)
            ]
            for wave in waves
        ]
        for y in range(side)
    ]
    return [
        [
            tuple(
                (1 if across == down == 0 else 2)
                / side**2
                * sum(waves[down][y] * rows[y][across][part] for y in range(side))
                for part in range(3)
            )
            for across in range(most)
        ]
        for down in range(most)
    ]


def _byte(linear: float) -> int:
    """Linear light as sRGB's byte."""
    light = max(0.0, min(1.0, linear))
    value = 12.92 * light if light <= _LINEAR_KNEE else 1.055 * light ** (1 / 2.4) - 0.055
    return math.floor(value * 255 + 0.5)


def _quantised(colour: Colour, scale: float) -> int:
    """A wave's colour in one number of base 19."""
    number = 0
    for part in colour:
        root = math.copysign(math.sqrt(abs(part / scale)), part)
        number = number * 19 + max(0, min(18, math.floor(root * 9 + 9.5)))
    return number


def _digits(number: int, length: int) -> str:
    return "".join(_BASE_83[number // 83 ** (length - 1 - place) % 83] for place in range(length))
