"""Telegram init data: what a MiniApp hands over to say who its user is, and the check of it.

The rules are Telegram's (Mini Apps, "Validating data received via the Mini App" and "Validating
data for Third-Party Use"). By hash: of the decoded pairs all but `hash` make the check string, and
`hash` is its HMAC-SHA256 under HMAC-SHA256("WebAppData", bot token). By signature: all but `hash`
and `signature` make it, after a line with the bot's id, and `signature` is Telegram's own Ed25519
signature of it, so nobody needs the bot's token to check it, and nobody who has it can forge it.
What Telegram does not say, and is checked here: age, duplicates, and characters that would let
two different texts have one check string.
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

import msgspec
from msgspec import Meta

from gateway.identity import ed25519
from gateway.identity.pairs import (
    CHARS_MAX,
    InitDataExpired,
    InitDataInvalid,
    check_string,
    parse,
    refuse,
    refuse_age,
)

__all__ = [
    "INIT_DATA_CHARS_MAX",
    "InitData",
    "InitDataExpired",
    "InitDataInvalid",
    "Means",
    "TelegramUser",
    "check_init_data",
    "sign_init_data",
]

INIT_DATA_CHARS_MAX: Final = CHARS_MAX
Means = Literal["hmac", "ed25519", "both"]

TELEGRAM_KEYS: Final = {
    "production": bytes.fromhex("e7bf03a2fa4602af4580703d88dda5bb59f32ed8b02a56c187fe7d34caed242d"),
    "test": bytes.fromhex("40055058a4ee38156a06562e52eece92a771bcd8346a8c4615cb7376eddf72ec"),
}
"""Telegram's Ed25519 public keys, by environment. Test users are anybody's to make, so the test
key must never count for production."""

_HASH = re.compile(r"[0-9a-f]{64}")
_AUTH_DATE = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{85}[AQgw]")
"""64 bytes in unpadded base64url; the last character has four bits that must be zero, or one
signature could be written in sixteen ways."""


class TelegramUser(msgspec.Struct, frozen=True, kw_only=True):
    """Who Telegram says its user is; Telegram may add fields."""

    id: Annotated[int, Meta(ge=1, lt=2**53)]
    is_bot: bool = False
    first_name: Annotated[str, Meta(max_length=256)] = ""
    last_name: Annotated[str, Meta(max_length=256)] = ""
    username: Annotated[str, Meta(max_length=64)] = ""
    language_code: Annotated[str, Meta(max_length=35)] = ""


class InitData(msgspec.Struct, frozen=True, kw_only=True):
    """Checked init data."""

    user: TelegramUser
    auth_date: int
    """When Telegram signed it, in seconds since 1970."""
    digest: bytes
    """32 bytes that name this data, however it was URL-encoded."""
    start_param: str = ""
    """What the link to the MiniApp said; anybody may have written it."""


_user_decoder = msgspec.json.Decoder(TelegramUser)


def check_init_data(
    text: str,
    *,
    bot_token: str,
    now_seconds: float,
    max_age_seconds: int,
    skew_seconds: int = 0,
    means: Means = "hmac",
    public_key: bytes = TELEGRAM_KEYS["production"],
    other_bots: Sequence[int] = (),
) -> InitData:
    """Check init data and read who it speaks of.

    Args:
        text: as the MiniApp got it, URL-encoded.
        bot_token: of the bot whose MiniApp this is.
        now_seconds: the time now, since 1970.
        max_age_seconds: how old it may be.
        skew_seconds: how far in the future it may be.
        means: what must be right: the hash, the signature, or both.
        public_key: Telegram's, 32 bytes; of the environment that the bot lives in.
        other_bots: ids of bots whose init data is accepted too, by signature alone.

    Raises:
        InitDataInvalid, InitDataExpired: the message does not repeat the data.
    """
    pairs = parse(text)
    given = pairs.pop("hash", "")
    digest: bytes | None = None
    if means != "ed25519":
        expected = _hash(bot_token, pairs)
        # Compared only once it has the form of a hash: compare_digest refuses non-ASCII text.
        if _HASH.fullmatch(given) and hmac.compare_digest(given, expected):
            digest = bytes.fromhex(expected)
    if means == "ed25519" or (means == "both" and digest is not None):
        digest = _signed_for(_bot_id(bot_token), pairs, public_key)
    if digest is None:
        # Our own bot's data has one digest, or one that was used could come again by the other.
        others = [one for one in other_bots if one != _bot_id(bot_token)]
        digest = _signed_for_one_of(others, pairs, public_key)
    if digest is None:
        refuse("its hash or signature does not match; it was altered or signed for another bot")
    auth_date = pairs.get("auth_date", "")
    if not _AUTH_DATE.fullmatch(auth_date):
        refuse("it has no auth_date")
    refuse_age(
        int(auth_date), now_seconds=now_seconds, max_age_seconds=max_age_seconds, skew=skew_seconds
    )
    try:
        user = _user_decoder.decode(pairs.get("user", "").encode())
    except msgspec.DecodeError:
        refuse("it names no valid user")
    if user.is_bot:
        refuse("its user is a bot")
    return InitData(
        user=user,
        auth_date=int(auth_date),
        digest=digest,
        start_param=pairs.get("start_param", ""),
    )


def sign_init_data(
    bot_token: str, user: Mapping[str, Any], auth_date: int, extra: Mapping[str, str] | None = None
) -> str:
    """Init data as Telegram would make it, different at each call; for development and tests.

    Args:
        bot_token: signs it, by hash only: the key of the signatures is Telegram's.
        user: Telegram's user object, at least `id` and `first_name`.
        auth_date: seconds since 1970.
        extra: further pairs, e.g. `start_param`.
    """
    pairs = {
        "query_id": f"AAE{secrets.token_urlsafe(16)}",
        "auth_date": str(auth_date),
        "user": msgspec.json.encode(dict(user)).decode(),
        **(extra or {}),
    }
    pairs["hash"] = _hash(bot_token, pairs)
    return "&".join(f"{quote(name, safe='')}={quote(pairs[name], safe='')}" for name in pairs)


def _hash(bot_token: str, pairs: Mapping[str, str]) -> str:
    return hmac.digest(_secret(bot_token), check_string(pairs).encode(), sha256).hex()


@lru_cache(maxsize=4)
def _secret(bot_token: str) -> bytes:
    return hmac.digest(b"WebAppData", bot_token.encode(), sha256)


def _bot_id(bot_token: str) -> int:
    number = bot_token.partition(":")[0]
    return int(number) if number.isascii() and number.isdigit() else 0


def _signed_for_one_of(
    bots: Sequence[int], pairs: Mapping[str, str], public_key: bytes
) -> bytes | None:
    for bot_id in bots:
        digest = _signed_for(bot_id, pairs, public_key)
        if digest is not None:
            return digest
    return None


def _signed_for(bot_id: int, pairs: Mapping[str, str], public_key: bytes) -> bytes | None:
    """The digest of pairs that Telegram signed for that bot's MiniApp; None: it did not."""
    signature = pairs.get("signature", "")
    if not bot_id or not _SIGNATURE.fullmatch(signature):
        return None
    rest = {name: value for name, value in pairs.items() if name != "signature"}
    message = f"{bot_id}:WebAppData\n{check_string(rest)}".encode()
    if not ed25519.is_signed(public_key, urlsafe_b64decode(signature + "=="), message):
        return None
    return sha256(message).digest()
