"""What a PNG says beside its pixels: how it was made, and that a model made it. Nothing else.

What a provider wrote into its file goes: some write the whole prompt there, and prompts are
personal. A file is changed by whole chunks (PNG specification, 11.3); its pixels stay as they are.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

import msgspec

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
SETTINGS_KEYWORD: Final = "pixelpop"
"""Keyword of the text chunk that holds the settings as JSON."""
TRAINED: Final = "trainedAlgorithmicMedia"
COMPOSITE: Final = "compositeWithTrainedAlgorithmicMedia"
DRAWN: Final = "algorithmicMedia"
SOURCES: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
"""IPTC's words for how a picture came to be; https://cv.iptc.org/newscodes/digitalsourcetype/."""

_KEPT: Final = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP bKGD hIST pHYs".split()
)
"""What the pixels need to look right."""
_SAYING: Final = frozenset(b"tEXt zTXt iTXt eXIf tIME".split())
_XMP: Final = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'Iptc4xmpExt:DigitalSourceType="{source}"/></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)


class Notes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a picture was made; nothing of it is personal but the prompt."""

    kind: str
    model: str
    provider: str
    style_id: str
    size: str
    quality: str
    seed: int
    index: int
    prompt: str | None = None
    """Only where its author wants it in the file."""

    @property
    def source(self) -> str:
        """One of IPTC's words."""
        if self.provider == "local":
            return DRAWN
        return TRAINED if self.kind == "image" else COMPOSITE

    def __repr__(self) -> str:
        """Nothing personal."""
        return f"Notes({self.model}, {self.index})"


def annotated(png: bytes, notes: Notes) -> bytes:
    """The PNG with these notes and no others.

    Raises:
        ValueError: it is no whole PNG.
    """
    texts = [
        _text("Software", "Pixelpop"),
        _text(SETTINGS_KEYWORD, msgspec.json.encode(notes).decode()),
        _text("XML:com.adobe.xmp", _XMP.format(source=SOURCES + notes.source)),
    ]
    if notes.prompt is not None:
        texts.append(_text("Description", notes.prompt))
    out = [SIGNATURE]
    for kind, data in _chunks(png):
        if kind in _KEPT:
            out.append(_chunk(kind, data))
        if kind == b"IHDR":
            out += [_chunk(b"iTXt", text) for text in texts]
    return b"".join(out)


def notes_in(png: bytes) -> dict[str, str]:
    """Every text of a PNG by its keyword, uncompressed ones alone.

    Raises:
        ValueError: it is no whole PNG.
    """
    found = {}
    for kind, data in _chunks(png):
        if kind == b"iTXt":
            keyword, _, rest = data.partition(b"\0")
            _, _, text = rest[2:].split(b"\0", 2)
            found[keyword.decode("latin-1")] = text.decode()
        elif kind == b"tEXt":
            keyword, _, text = data.partition(b"\0")
            found[keyword.decode("latin-1")] = text.decode("latin-1")
    return found


def says_more(png: bytes) -> bool:
    """Whether there is something else in it that people could read: texts, EXIF, a time.

    Raises:
        ValueError: it is no whole PNG.
    """
    return any(kind in _SAYING for kind, _ in _chunks(png))


def has_chunk(png: bytes, kind: bytes) -> bool:
    """Whether there is such a chunk: `caBX` holds content credentials.

    Raises:
        ValueError: it is no whole PNG.
    """
    return any(one == kind for one, _ in _chunks(png))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not png.startswith(SIGNATURE):
        raise ValueError("It does not begin as a PNG does.")
    return _each_chunk(png)


def _each_chunk(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(png):
        if len(png) < at + 12:
            raise ValueError("The PNG ends within a chunk.")
        (length,) = struct.unpack_from(">I", png, at)
        kind, end = png[at + 4 : at + 8], at + 8 + length
        if len(png) < end + 4:
            raise ValueError("The PNG ends within a chunk.")
        yield kind, png[at + 8 : end]
        if kind == b"IEND":
            return  # what comes behind is no part of the picture
        at = end + 4
    raise ValueError("The PNG has no end.")


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def _text(keyword: str, text: str) -> bytes:
    """The content of an international text chunk, uncompressed, in no language."""
    return keyword.encode("latin-1") + b"\0\0\0\0\0" + text.replace("\0", "").encode()
