"""The Telegram Login Widget: who signed in on a web page outside Telegram.

The rule is Telegram's ("Login Widget", "Checking authorization"): all fields but `hash` make the
check string, and `hash` is its HMAC-SHA256 under SHA-256(bot token). That is another key than that
of init data, so neither can pass for the other.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from gateway.identity.init_data import InitData, TelegramUser
from gateway.identity.pairs import (
    PAIRS_MAX,
    check_string,
    refuse,
    refuse_age,
    refuse_control_characters,
)

FIELD_CHARS_MAX: Final = 2048

Fields = Mapping[str, str | int]
"""What the widget hands to its callback; Telegram may add to it, so names are not listed here."""

_HASH = re.compile(r"[0-9a-f]{64}")


def check_login_widget(
    fields: Fields,
    *,
    bot_token: str,
    now_seconds: float,
    max_age_seconds: int,
    skew_seconds: int = 0,
) -> InitData:
    """Check what the widget said, and read who it speaks of.

    Args:
        fields: as the widget gave them.
        bot_token: of the bot that the widget stands for.
        now_seconds: the time now, since 1970.
        max_age_seconds: how old it may be.
        skew_seconds: how far in the future it may be.

    Raises:
        InitDataInvalid, InitDataExpired: the message does not repeat the data.
    """
    if any(type(value) not in {str, int} for value in fields.values()):
        refuse("it holds something else than texts and whole numbers")
    if len(fields) > PAIRS_MAX or any(
        len(str(value)) > FIELD_CHARS_MAX for value in fields.values()
    ):
        refuse("it is too long")
    pairs = {name: str(value) for name, value in fields.items()}
    refuse_control_characters(pairs)
    given = pairs.pop("hash", "")
    expected = _hash(bot_token, pairs)
    if not _HASH.fullmatch(given) or not hmac.compare_digest(given, expected):
        refuse("its hash does not match; it was altered or signed for another bot")
    auth_date = fields.get("auth_date")
    if type(auth_date) is not int or auth_date < 0:
        refuse("it has no auth_date")
    refuse_age(
        auth_date, now_seconds=now_seconds, max_age_seconds=max_age_seconds, skew=skew_seconds
    )
    try:
        user = msgspec.convert(dict(fields), TelegramUser)
    except msgspec.ValidationError:
        refuse("it names no valid user")
    return InitData(user=user, auth_date=auth_date, digest=bytes.fromhex(expected))


def sign_login_widget(bot_token: str, user: Mapping[str, Any], auth_date: int) -> dict[str, Any]:
    """What the widget would hand over; for development and tests."""
    fields = {**user, "auth_date": auth_date}
    return fields | {"hash": _hash(bot_token, {name: str(fields[name]) for name in fields})}


def _hash(bot_token: str, pairs: Mapping[str, str]) -> str:
    secret = sha256(bot_token.encode()).digest()
    return hmac.digest(secret, check_string(pairs).encode(), sha256).hex()
