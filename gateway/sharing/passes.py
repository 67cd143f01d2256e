"""Addresses of one's own pictures for Telegram alone, good for a few minutes.

Telegram fetches the pictures of inline results by address. The address holds which picture it is
and until when, under a mac of ours, so nothing is written to answer a query; the picture is looked
up anew each time, under row-level security.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

from runtime.crypto.master import MasterKey, MasterKeys

GOOD_SECONDS: Final = 900
"""Longer than somebody chooses among results, which Telegram is told not to keep."""
_PURPOSE: Final = "picture-pass"
_BODY: Final = struct.Struct(">16s16sQ")
_MAC_BYTES: Final = 16
_CHARS: Final = -(-(_BODY.size + _MAC_BYTES) * 4 // 3)


class Pass(NamedTuple):
    """What an address lets be seen."""

    account_id: UUID
    image_id: UUID
    until: int
    """In seconds since 1970."""


def make_pass(masters: MasterKeys, one: Pass) -> str:
    """75 letters, digits, `-` and `_` that only we can make."""
    body = _BODY.pack(one.account_id.bytes, one.image_id.bytes, one.until)
    return base64.urlsafe_b64encode(body + _mac(masters.current, body)).rstrip(b"=").decode()


def read_pass(masters: MasterKeys, text: str, now: float) -> Pass | None:
    """What was put into it; None: it is none of ours, or no longer good.

    Args:
        masters: that of now, and those before a rotation.
        text: from an address.
        now: in seconds since 1970.
    """
    if len(text) != _CHARS:
        return None
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    body, mac = data[: _BODY.size], data[_BODY.size :]
    keys = (masters.current, *masters.others)
    if not any(hmac.compare_digest(mac, _mac(key, body)) for key in keys):
        return None
    account, image, until = _BODY.unpack(body)
    if until < now:
        return None
    return Pass(UUID(bytes=account), UUID(bytes=image), until)


def _mac(key: MasterKey, body: bytes) -> bytes:
    return hmac.digest(key.subkey(_PURPOSE), body, sha256)[:_MAC_BYTES]
