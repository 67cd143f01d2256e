"""What an API key looks like: made, recognised, and named by its hash.

`pp_live_` + 43 characters (256 random bits in base 62) + 6 characters (CRC-32 of all before them,
in base 62). The prefix lets scanners of source code find a key that was committed by mistake, the
checksum tells a mistyped one without asking the database. Only the SHA-256 of a key is kept: it
cannot be guessed, so neither a salt nor a slow hash would add anything.
"""

from __future__ import annotations

import re
import secrets
from hashlib import sha256
from typing import Final
from zlib import crc32

PREFIX: Final = "pp_live_"
HINT_CHARS: Final = len(PREFIX) + 6
"""How much of a key is kept to be shown: 36 of its 256 bits."""
_SECRET_CHARS: Final = 43
_CHECK_CHARS: Final = 6
KEY_CHARS: Final = len(PREFIX) + _SECRET_CHARS + _CHECK_CHARS

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_SECRET_CHARS + _CHECK_CHARS}}}", re.ASCII)


def make_key() -> str:
    """A new API key."""
    body = PREFIX + _base62(secrets.randbits(256), _SECRET_CHARS)
    return body + _check(body)


def hash_of(text: str) -> bytes | None:
    """What the database knows a key by: 32 bytes; None: this cannot be an API key."""
    if _SHAPE.fullmatch(text) is None or text[-_CHECK_CHARS:] != _check(text[:-_CHECK_CHARS]):
        return None
    return sha256(text.encode("ascii")).digest()


def hint_of(text: str) -> str:
    """Enough of a key for its owner to tell it from others, and not enough for anything else."""
    return text[:HINT_CHARS]


def _check(body: str) -> str:
    return _base62(crc32(body.encode("ascii")), _CHECK_CHARS)


def _base62(number: int, chars: int) -> str:
    digits = []
    for _ in range(chars):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
