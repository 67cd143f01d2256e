"""What a file really is, by its bytes: never by its name or by what was said of it."""

from __future__ import annotations

import re
from typing import Final

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
WEBP: Final = "image/webp"
HEIC: Final = "image/heic"
HEIF: Final = "image/heif"
TYPES: Final = (JPEG, PNG, WEBP, HEIC, HEIF)
"""What is taken."""

_HEIC_BRANDS: Final = {b"heic", b"heix", b"heim", b"heis"}
_HEIF_BRANDS: Final = {b"mif1", b"mif2"}
_SEQUENCE_BRANDS: Final = {b"hevc", b"hevx", b"msf1", b"avis"}
_BRANDS_MAX: Final = 64
_ITEM: Final = re.compile(rb"infe(?:[\x00-\x02].{7}|\x03.{9})(.{4})", re.DOTALL)
"""The entry of an item in the head of a HEIF file, up to its type."""
_HEAD_BYTES_MAX: Final = 1_048_576
_MARKUP: Final = re.compile(
    rb"<(?:svg|html|script|iframe|body|head|object|embed|!doctype|!entity|\?php|\?xml-stylesheet)"
    rb"[\s>/]",
    re.IGNORECASE,
)
"""The beginnings of what a browser would run if it took the file for a page."""
_ANIMATED: Final = 0x02
_VP8_START: Final = b"\x9d\x01\x2a"
_VP8L_START: Final = 0x2F
_WEBP_HEAD_BYTES: Final = 30


def sniff(data: bytes) -> str | None:
    """Which of `TYPES` these bytes begin as; None: none of them, or several pictures in motion."""
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[4:8] == b"ftyp":
        return _heif(data)
    return None


def _heif(data: bytes) -> str | None:
    """By the brands of the file-type box (ISO 23008-12, 10.2)."""
    size = min(int.from_bytes(data[:4], "big"), 16 + 4 * _BRANDS_MAX)
    major = data[8:12]
    brands = {major, *(data[at : at + 4] for at in range(16, size, 4))}
    if major in _SEQUENCE_BRANDS:
        return None
    if brands & _HEIC_BRANDS:
        return HEIC
    return HEIF if brands & _HEIF_BRANDS else None


def names_its_items(data: bytes) -> bool:
    """Whether everything in a HEIF file has a type in ASCII (ISO 14496-12, 8.11.6).

    The library that reads these files (pi-heif 1.4) crashes over one that has none.
    """
    return all(
        found[1].isascii() for found in _ITEM.finditer(data, 0, min(len(data), _HEAD_BYTES_MAX))
    )


def holds_markup(data: bytes) -> bool:
    """Whether a page or a drawing in markup is hidden in it: before, behind or within the picture.

    Nothing of the file but its pixels is kept, so this is not what protects us; but whoever sends
    such a file means no photo.
    """
    return _MARKUP.search(data) is not None


def webp_head(data: bytes) -> tuple[int, int, bool] | None:
    """Width, height and whether it moves, by a WebP's first chunk; None: it has none that is known.

    Its decoder makes room for the whole picture before it says how large that is.
    """
    if len(data) < _WEBP_HEAD_BYTES:
        return None
    match data[12:16]:
        case b"VP8X":
            width = 1 + int.from_bytes(data[24:27], "little")
            height = 1 + int.from_bytes(data[27:30], "little")
            return width, height, bool(data[20] & _ANIMATED)
        case b"VP8L" if data[20] == _VP8L_START:
            bits = int.from_bytes(data[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), False
        case b"VP8 " if data[23:26] == _VP8_START:
            width = int.from_bytes(data[26:28], "little") & 0x3FFF
            height = int.from_bytes(data[28:30], "little") & 0x3FFF
            return width, height, False
        case _:
            return None
