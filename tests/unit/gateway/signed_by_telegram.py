"""Init data as Telegram would sign it, by hash, by signature or both, with whatever is wrong."""

from __future__ import annotations

import base64
import hmac
from typing import Any
from urllib.parse import quote

from nacl.signing import SigningKey

from gateway.identity.init_data import InitData, check_init_data

TOKEN = "123456:test-token"
NOW = 1_800_000_000
USER = '{"id":42,"first_name":"Ada","language_code":"en"}'
PRODUCTION = SigningKey(b"p" * 32)
"""Stands for Telegram's key: of the real one only the public half is known."""
TEST = SigningKey(b"t" * 32)
"""Stands for the key of Telegram's test servers."""
MEANS = ("hmac", "ed25519", "both")


def encoded(pairs: dict[str, str]) -> str:
    return "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs.items()
    )


def check_string(pairs: dict[str, str], *without: str) -> str:
    return "\n".join(f"{name}={pairs[name]}" for name in sorted(pairs) if name not in without)


def hash_of(pairs: dict[str, str], token: str = TOKEN) -> str:
    secret = hmac.digest(b"WebAppData", token.encode(), "sha256")
    return hmac.digest(secret, check_string(pairs, "hash").encode(), "sha256").hex()


def signature_of(pairs: dict[str, str], key: SigningKey = PRODUCTION, bot_id: int = 123456) -> str:
    message = f"{bot_id}:WebAppData\n{check_string(pairs, 'hash', 'signature')}"
    return base64.urlsafe_b64encode(key.sign(message.encode()).signature).rstrip(b"=").decode()


def signed(
    *,
    key: SigningKey = PRODUCTION,
    token: str = TOKEN,
    bot_id: int = 123456,
    **pairs: str | None,
) -> dict[str, str]:
    """Pairs with hash and signature; a pair that is None is missing."""
    given: dict[str, str | None] = {"auth_date": str(NOW), "user": USER, **pairs}
    whole = {name: value for name, value in given.items() if value is not None}
    whole["signature"] = signature_of(whole, key, bot_id)
    whole["hash"] = hash_of(whole, token)
    return whole


def check(text: str, means: Any = "hmac", **rest: Any) -> InitData:
    """As the gateway does, at `NOW`."""
    wanted = {
        "bot_token": TOKEN,
        "now_seconds": NOW,
        "max_age_seconds": 3600,
        "skew_seconds": 30,
        "public_key": bytes(PRODUCTION.verify_key),
    }
    return check_init_data(text, means=means, **(wanted | rest))
