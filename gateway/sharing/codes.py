"""The code of a link: unguessable, and kept nowhere.

It is derived from the share's random id with the account's own key, so that its owner is shown the
link again, while the database (which knows the hash alone) and the log (which knows neither) open
nothing. With the account's key every code is gone.
"""

from __future__ import annotations

import base64
import hmac
import re
from hashlib import sha256
from typing import Final
from uuid import UUID

from gateway.identity.signed_in import Account
from runtime.crypto.master import subkey

CODE_BYTES: Final = 16
START_PREFIX: Final = "s_"
"""Of Telegram's start parameter: what follows is the code of the link that somebody came by."""
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_PURPOSE: Final = "share-link"


def code_of(account: Account, share_id: UUID) -> str:
    """22 letters, digits, `-` and `_`: 128 bits that only the account's key makes."""
    digest = hmac.digest(subkey(account.key, _PURPOSE), share_id.bytes, sha256)
    return base64.urlsafe_b64encode(digest[:CODE_BYTES]).rstrip(b"=").decode("ascii")


def hash_of(code: str) -> bytes | None:
    """What the database knows the code by; None: no code looks so."""
    if _CODE.fullmatch(code) is None:
        return None
    return sha256(code.encode("ascii")).digest()
