"""Opaque texts that clients hand back: page cursors, consistency tokens, stream positions."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from runtime.errors import PixelpopError

TEXT_CHARS_MAX = 512
_POSITION = re.compile(r"([0-9]{1,9}):([0-9]{1,18})")

Kind = TypeVar("Kind")
Stored = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""A number that the database can hold: a place that a cursor names."""


class CursorInvalid(PixelpopError):
    """A cursor, token or event id that this service did not hand out."""

    code = "cursor-invalid"


class LogPosition(NamedTuple):
    """A place in the event log."""

    partition: int
    offset: int


def encode_cursor(value: object) -> str:
    """The opaque text of a page's place: any msgspec type."""
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).rstrip(b"=").decode("ascii")


def decode_cursor(text: str, decoder: msgspec.json.Decoder[Kind]) -> Kind:
    """What `encode_cursor` was given.

    Raises:
        CursorInvalid: it never was.
    """
    try:
        return decoder.decode(_unarmoured(text))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CursorInvalid("The cursor is not one that this service gave out.") from error


def consistency_token(partition: int, offset: int) -> str:
    """What a client hands back to read what it wrote at this place in the log."""
    return base64.urlsafe_b64encode(f"{partition}:{offset}".encode()).rstrip(b"=").decode("ascii")


def token_header(partition: int, offset: int) -> tuple[bytes, bytes]:
    """The response header that hands a consistency token out."""
    return b"consistency-token", consistency_token(partition, offset).encode()


def decode_consistency_token(text: str) -> LogPosition:
    """The place that a consistency token names.

    Raises:
        CursorInvalid: it is none.
    """
    return _position(_unarmoured(text).decode("ascii", errors="replace"), "Consistency-Token")


def event_id(partition: int, offset: int) -> str:
    """The SSE id of a change: ordered within an account, because that is one partition."""
    return f"{partition}:{offset}"


def decode_event_id(text: str) -> LogPosition:
    """The place that an SSE id names.

    Raises:
        CursorInvalid: it is none.
    """
    return _position(text, "Last-Event-ID")


def _position(text: str, name: str) -> LogPosition:
    found = _POSITION.fullmatch(text)
    if found is None:
        raise CursorInvalid(f"The {name} is not one that this service gave out.")
    return LogPosition(int(found[1]), int(found[2]))


def _unarmoured(text: str) -> bytes:
    try:
        # A text that was cut is refused below or by what decodes it.
        text = text[:TEXT_CHARS_MAX]
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise CursorInvalid("The cursor is not one that this service gave out.") from error
