"""Our own tokens: access tokens for the API, and short-lived tickets for event streams.

JWTs (RFC 7519), HS256 and nothing else, with issuer, audience, expiry, a key id and an account. A
ticket exists because a browser's EventSource cannot send headers: what stands in an address ends
in logs and histories, so that must be something that opens streams only, and not for long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import jwt

from events.ids import AccountId, is_uuid
from runtime.errors import PixelpopError

ISSUER: Final = "pixelpop"
API: Final = "pixelpop/api"
STREAM: Final = "pixelpop/stream"
NOT_OURS: Final = "The access token is not one of ours. Sign in again."
TOKEN_CHARS_MAX: Final = 2048
_ALGORITHM: Final = "HS256"


class TokenInvalid(PixelpopError):
    """The token is not ours, for something else, or expired."""

    code = "token-invalid"


class Tokens:
    """Makes and checks tokens.

    Args:
        secret: at least 32 characters.
        clock: seconds since 1970.
    """

    def __init__(self, secret: str, *, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._clock = clock
        self.key_id = sha256(b"pixelpop.jwt.kid." + secret.encode()).hexdigest()[:16]

    def issue(self, account_id: AccountId, ttl_seconds: int, audience: str = API) -> str:
        """A token that speaks for the account for so long."""
        now = int(self._clock())
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "sub": account_id,
            "iat": now,
            "exp": now + ttl_seconds,
        }
        return jwt.encode(claims, self._secret, _ALGORITHM, headers={"kid": self.key_id})

    def verify(self, token: str, audience: str = API) -> tuple[AccountId, float]:
        """The account that a token speaks for, and until when (seconds since 1970).

        Raises:
            TokenInvalid: the message does not repeat the token.
        """
        if len(token) > TOKEN_CHARS_MAX:
            raise TokenInvalid(NOT_OURS)
        try:
            found = jwt.decode_complete(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=audience,
                issuer=ISSUER,
                options={
                    "require": ["exp", "iat", "sub", "aud", "iss"],
                    "verify_exp": False,  # by our own clock, below
                    "verify_iat": False,
                    "strict_aud": True,
                },
            )
        except (jwt.InvalidTokenError, ValueError, UnicodeError) as error:
            raise TokenInvalid(NOT_OURS) from error
        head, claims = found["header"], found["payload"]
        # The key id is compared, never looked up: it cannot point anywhere.
        if head.get("kid") != self.key_id or "crit" in head:
            raise TokenInvalid(NOT_OURS)
        expires = claims["exp"]
        if type(expires) is not int or expires <= self._clock():
            raise TokenInvalid("The access token has expired. Sign in again.")
        subject = claims["sub"]
        if not isinstance(subject, str) or not is_uuid(subject):
            raise TokenInvalid(NOT_OURS)
        return AccountId(subject), float(expires)
