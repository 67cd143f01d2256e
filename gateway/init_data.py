"""Telegram init data: what a MiniApp hands over to say who its user is, and the check of it.

The rule is Telegram's (Mini Apps, "Validating data received via the Mini App"): of the decoded
pairs all but `hash` are sorted, written `key=value` and joined by line feeds; `hash` is their
HMAC-SHA256 under HMAC-SHA256("WebAppData", bot token). `signature` (for third parties) stays in.
What Telegram does not say, and is checked here: age, duplicates, and characters that would let
two different texts have one check string.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, Final, NoReturn
from urllib.parse import quote, unquote_plus

import msgspec
from msgspec import Meta

from runtime.errors import PixelpopError

INIT_DATA_CHARS_MAX: Final = 8192
PAIRS_MAX: Final = 40

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HASH = re.compile(r"[0-9a-f]{64}")
_AUTH_DATE = re.compile(r"[0-9]{1,12}")


class InitDataInvalid(PixelpopError):
    """The init data is not what Telegram signed for this bot."""

    code = "init-data-invalid"


class InitDataExpired(InitDataInvalid):
    """It was signed too long ago, or in the future."""

    code = "init-data-expired"


class TelegramUser(msgspec.Struct, frozen=True, kw_only=True):
    """Who Telegram says its user is; Telegram may add fields."""

    id: Annotated[int, Meta(ge=1, lt=2**53)]
    is_bot: bool = False
    first_name: Annotated[str, Meta(max_length=256)] = ""
    last_name: Annotated[str, Meta(max_length=256)] = ""
    username: Annotated[str, Meta(max_length=64)] = ""
    language_code: Annotated[str, Meta(max_length=35)] = ""

    @property
    def display_name(self) -> str:
        """What to call the person."""
        return f"{self.first_name} {self.last_name}".strip() or self.username


class InitData(msgspec.Struct, frozen=True, kw_only=True):
    """Checked init data."""

    user: TelegramUser
    auth_date: int
    """When Telegram signed it, in seconds since 1970."""


_user_decoder = msgspec.json.Decoder(TelegramUser)


def check_init_data(
    text: str,
    *,
    bot_token: str,
    now_seconds: float,
    max_age_seconds: int,
    skew_seconds: int = 0,
) -> InitData:
    """Check init data and read who it speaks of.

    Args:
        text: as the MiniApp got it, URL-encoded.
        bot_token: of the bot whose MiniApp this is.
        now_seconds: the time now, since 1970.
        max_age_seconds: how old it may be.
        skew_seconds: how far in the future it may be.

    Raises:
        InitDataInvalid, InitDataExpired: the message does not repeat the data.
    """
    pairs = _parse(text)
    given = pairs.pop("hash", "")
    expected = _signature(bot_token, pairs)
    # Compared only once it has the form of a hash: compare_digest refuses non-ASCII text.
    if not _HASH.fullmatch(given) or not hmac.compare_digest(given, expected):
        _refuse("its hash does not match; it was altered or signed for another bot")
    auth_date = pairs.get("auth_date", "")
    if not _AUTH_DATE.fullmatch(auth_date):
        _refuse("it has no auth_date")
    age_seconds = now_seconds - int(auth_date)
    if age_seconds > max_age_seconds:
        raise InitDataExpired(
            "The Telegram sign-in data is too old. Close the MiniApp and open it again."
        )
    if age_seconds < -skew_seconds:
        raise InitDataExpired("The Telegram sign-in data is dated in the future.")
    try:
        user = _user_decoder.decode(pairs.get("user", "").encode())
    except msgspec.DecodeError:
        _refuse("it names no valid user")
    if user.is_bot:
        _refuse("its user is a bot")
    return InitData(user=user, auth_date=int(auth_date))


def sign_init_data(
    bot_token: str, user: Mapping[str, Any], auth_date: int, extra: Mapping[str, str] | None = None
) -> str:
    """Init data as Telegram would make it; for development and tests.

    Args:
        bot_token: signs it.
        user: Telegram's user object, at least `id` and `first_name`.
        auth_date: seconds since 1970.
        extra: further pairs, e.g. `start_param`.
    """
    pairs = {
        "auth_date": str(auth_date),
        "user": msgspec.json.encode(dict(user)).decode(),
        **(extra or {}),
    }
    pairs["hash"] = _signature(bot_token, pairs)
    return "&".join(f"{quote(name, safe='')}={quote(pairs[name], safe='')}" for name in pairs)


def _parse(text: str) -> dict[str, str]:
    if len(text) > INIT_DATA_CHARS_MAX or text.count("&") >= PAIRS_MAX:
        _refuse("it is too long")
    if not text.isascii() or _BAD_ESCAPE.search(text):
        _refuse("it is not URL-encoded")
    pairs: dict[str, str] = {}
    for part in text.split("&"):
        raw_name, equals, raw_value = part.partition("=")
        try:
            name = unquote_plus(raw_name, errors="strict")
            value = unquote_plus(raw_value, errors="strict")
        except UnicodeDecodeError:
            _refuse("it is not UTF-8")
        if not equals or not name:
            _refuse("it is not a list of pairs")
        # A line feed in a value, or a `=` in a name, could pass for the border between two pairs.
        if _CONTROL.search(name) or _CONTROL.search(value) or "=" in name:
            _refuse("it contains control characters")
        if name in pairs:
            _refuse(f"it names {name[:32]!r} twice")
        pairs[name] = value
    return pairs


def _signature(bot_token: str, pairs: Mapping[str, str]) -> str:
    check = "\n".join(f"{name}={pairs[name]}" for name in sorted(pairs))
    return hmac.digest(_secret(bot_token), check.encode(), sha256).hex()


@lru_cache(maxsize=4)
def _secret(bot_token: str) -> bytes:
    return hmac.digest(b"WebAppData", bot_token.encode(), sha256)


def _refuse(reason: str) -> NoReturn:
    raise InitDataInvalid(f"The Telegram sign-in data cannot be used: {reason}.")
