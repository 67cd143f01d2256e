"""Our own tokens: access tokens for the API, and short-lived tickets for event streams.

JWTs (RFC 7519), HS256 and nothing else, with issuer, audience, expiry, a key id and an account. A
ticket exists because a browser's EventSource cannot send headers: what stands in an address ends
in logs and histories, so that must be something that opens streams only, and not for long.

Several secrets may be good at once, so that one can be replaced by the next without signing anybody
out. A token's first part (algorithm, type, key id) is the same text for all tokens of a secret, so
it is compared as a whole: no algorithm, key id or extension of anybody else's is ever looked at.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

import jwt

from events.ids import AccountId, is_uuid
from runtime.errors import PixelpopError, SettingsError

ISSUER: Final = "pixelpop"
API: Final = "pixelpop/api"
STREAM: Final = "pixelpop/stream"
NOT_OURS: Final = "The access token is not one of ours. Sign in again."
TOKEN_CHARS_MAX: Final = 2048
SECRET_CHARS_MIN: Final = 32
_ALGORITHM: Final = "HS256"
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
"""The last character has two bits that must be zero, or one token could be written in four ways."""


class TokenInvalid(PixelpopError):
    """The token is not ours, for something else, or expired."""

    code = "token-invalid"


class Claims(NamedTuple):
    """What a token says."""

    account_id: AccountId
    expires: float
    """Seconds since 1970."""
    signed_in: float
    """When its owner proved who they are, in seconds since 1970."""
    token_id: str
    """Names this token in logs; it is no secret."""
    key_id: str
    """The API key that it was made with, by its id; empty: a person made it."""
    means: str = ""
    """How its owner proved who they are, of `outside.Means`."""


class Tokens:
    """Makes and checks tokens.

    Args:
        secret: signs; at least 32 characters.
        others: good for checking only: the secret before this one until its last token is over,
            or the next one, before the first gateway signs with it.
        clock: seconds since 1970.

    Raises:
        SettingsError: a secret is too short.
    """

    def __init__(
        self,
        secret: str,
        others: Iterable[str] = (),
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        known = [secret, *others]
        if any(len(one) < SECRET_CHARS_MIN for one in known):
            raise SettingsError(
                f"JWT_SECRET, or one of JWT_OTHER_SECRETS, has less than {SECRET_CHARS_MIN} "
                "characters."
            )
        self._secret = secret
        self._clock = clock
        self._secrets = {_head(one): one for one in known}
        self.key_id = _key_id(secret)

    def issue(
        self,
        account_id: AccountId,
        ttl_seconds: int,
        audience: str = API,
        *,
        proved_at: float | None = None,
        key_id: str = "",
        means: str = "",
    ) -> str:
        """A token that speaks for the account for so long.

        Args:
            account_id: whom it speaks for.
            ttl_seconds: for how long.
            audience: what it is for.
            proved_at: when its owner proved who they are, in seconds since 1970; None: just now.
            key_id: the API key that asks for it: it is good for no longer than that key.
            means: how its owner proved who they are, of `outside.Means`.
        """
        claims: dict[str, Any] = {"sub": account_id, "jti": secrets.token_urlsafe(9)}
        if proved_at is not None:
            claims["auth_time"] = int(proved_at)
        if key_id:
            claims["key"] = key_id
        if means:
            claims["means"] = means
        return self.seal(claims, ttl_seconds, audience)

    def verify(self, token: str, audience: str = API) -> Claims:
        """Whom a token speaks for, and until when.

        Raises:
            TokenInvalid: the message does not repeat the token.
        """
        claims = self.open(token, audience)
        subject, token_id = claims.get("sub"), claims.get("jti", "")
        if not isinstance(subject, str) or not is_uuid(subject) or not isinstance(token_id, str):
            raise TokenInvalid(NOT_OURS)
        key_id = claims.get("key", "")
        if not isinstance(key_id, str) or (key_id and not is_uuid(key_id)):
            raise TokenInvalid(NOT_OURS)
        means = claims.get("means", "")
        if not isinstance(means, str):
            raise TokenInvalid(NOT_OURS)
        issued = claims["iat"]
        proved = claims.get("auth_time", issued)
        if type(proved) is not int:
            raise TokenInvalid(NOT_OURS)
        # Telegram's clock may be ahead: no session is younger than its token.
        return Claims(
            AccountId(subject),
            float(claims["exp"]),
            float(min(proved, issued)),
            token_id,
            key_id,
            means,
        )

    def seal(self, claims: Mapping[str, Any], ttl_seconds: int, audience: str) -> str:
        """A token of any claims, for something that only this service reads again."""
        now = int(self._clock())
        whole = {"iss": ISSUER, "aud": audience, "iat": now, "exp": now + ttl_seconds, **claims}
        return jwt.encode(whole, self._secret, _ALGORITHM, headers={"kid": self.key_id})

    def open(self, token: str, audience: str) -> dict[str, Any]:
        """The claims of a token that is ours, for that audience, and not over yet.

        Raises:
            TokenInvalid: the message does not repeat the token.
        """
        if len(token) > TOKEN_CHARS_MAX or not _FORM.fullmatch(token):
            raise TokenInvalid(NOT_OURS)
        # Never looked up anywhere, so a key id cannot point to anything.
        secret = self._secrets.get(token.partition(".")[0])
        if secret is None:
            raise TokenInvalid(NOT_OURS)
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                secret,
                algorithms=[_ALGORITHM],
                audience=audience,
                issuer=ISSUER,
                options={
                    "require": ["exp", "iat", "aud", "iss"],
                    "verify_exp": False,  # by our own clock, below
                    "verify_iat": False,
                    "strict_aud": True,
                },
            )
        except (jwt.InvalidTokenError, ValueError, UnicodeError) as error:
            raise TokenInvalid(NOT_OURS) from error
        expires, issued = claims["exp"], claims["iat"]
        if type(expires) is not int or type(issued) is not int:
            raise TokenInvalid(NOT_OURS)
        if expires <= self._clock():
            raise TokenInvalid("The access token has expired. Sign in again.")
        return claims


def _key_id(secret: str) -> str:
    return sha256(b"pixelpop.jwt.kid." + secret.encode()).hexdigest()[:16]


def _head(secret: str) -> str:
    """The first part of every token that this secret signs."""
    empty = jwt.encode({}, secret, _ALGORITHM, headers={"kid": _key_id(secret)})
    return empty.partition(".")[0]
