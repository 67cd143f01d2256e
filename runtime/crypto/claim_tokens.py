"""Tokens by which a webhook's address proves that we gave it out for one call of a provider.

A provider signs what it says, not where it says it: a genuine message sent to another call's
address would be taken for news of that call. The token ties an address to its call.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import NamedTuple

from runtime.crypto.master import MasterKey, MasterKeys

_PURPOSE = "provider-webhook"


class Call(NamedTuple):
    """One call of an image provider, as `provider_calls` knows it."""

    provider: str
    generation_id: str
    attempt: int


def claim_token(masters: MasterKeys, call: Call) -> str:
    """43 letters, digits, `-` and `_` that only we can make."""
    return _token(masters.current, call)


def is_claim_token(masters: MasterKeys, call: Call, token: str) -> bool:
    """Whether the token is this call's, made with a master key of now or before a rotation."""
    given = token.encode("utf-8", "surrogatepass")
    keys = (masters.current, *masters.others)
    return any(hmac.compare_digest(given, _token(key, call).encode()) for key in keys)


def _token(key: MasterKey, call: Call) -> str:
    signed = f"{call.provider}\n{call.generation_id}\n{call.attempt}".encode()
    digest = hmac.digest(key.subkey(_PURPOSE), signed, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
