"""Who asks: from the `Authorization` header to an account, with what was verified at hand.

Two schemes: `Bearer <access token>`, and `tma <init data>` for a MiniApp that would rather not
keep a token. Verified headers are remembered, bounded and never longer than they are good for; an
erased account is forgotten at once, and everywhere else its destroyed key ends it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final, Literal
from uuid import UUID

from events.ids import AccountId
from gateway.errors import Problem
from gateway.permissions import EVENTS_READ, PERSON
from gateway.sign_in import SignIn
from gateway.tokens import STREAM, Tokens
from runtime.crypto.keys import AccountKeys
from runtime.crypto.master import subkey

MISSING: Final = (
    "Send an Authorization header: `Bearer` with the access token of POST /auth/login, or `tma` "
    "with Telegram init data."
)
HEADER_BYTES_MAX: Final = 16_384
TICKET: Final = frozenset({EVENTS_READ})
"""The scopes of a stream ticket."""
Via = Literal["session", "tma", "api_key", "ticket"]


class Account:
    """Who asks, with its key at hand."""

    __slots__ = (
        "account_id",
        "credential_id",
        "good_until",
        "key",
        "mac_key",
        "roles",
        "scopes",
        "uuid",
        "via",
    )

    def __init__(
        self,
        account_id: AccountId,
        key: bytes,
        good_until: float,
        *,
        roles: frozenset[str] = PERSON,
        scopes: frozenset[str] | None = None,
        via: Via = "session",
        credential_id: str = "",
    ) -> None:
        self.account_id = account_id
        self.uuid = UUID(account_id)
        self.key = key
        """Seals what is personal."""
        self.mac_key = subkey(key, "body-mac")
        """Makes `body_mac`; equal to what `runtime.crypto.keys.mac` uses."""
        self.good_until = good_until
        """Seconds on the monotonic clock."""
        self.roles = roles
        """Of `permissions.ROLES`; an API key and a ticket never have more than `user`."""
        self.scopes = scopes
        """Of `permissions.SCOPES`; None: a person, who may do everything with what is its own."""
        self.via = via
        """What it showed to prove who it is."""
        self.credential_id = credential_id
        """Names that proof without being it: of an API key its id. Empty: it has no name."""


class Authenticator:
    """Verifies `Authorization` headers.

    Args:
        tokens: checks access tokens.
        sign_in: checks init data.
        keys: an account without a key is gone.
        accounts_max: how many verified headers are kept.
        keep_seconds: how long at most one is kept: an erasure that was not heard of ends then.
    """

    def __init__(
        self,
        tokens: Tokens,
        sign_in: SignIn,
        keys: AccountKeys,
        *,
        accounts_max: int,
        keep_seconds: float = 300.0,
    ) -> None:
        self._tokens = tokens
        self._sign_in = sign_in
        self._keys = keys
        self._accounts_max = accounts_max
        self._keep_seconds = keep_seconds
        self._verified: OrderedDict[bytes, Account] = OrderedDict()
        self._headers: dict[str, set[bytes]] = {}

    def at_hand(self, authorization: bytes | None) -> Account | None:
        """The account of a header that was verified lately; None: `verify` it."""
        if authorization is None:
            return None
        account = self._verified.get(authorization)
        if account is None or account.good_until <= time.monotonic():
            return None
        return account

    async def verify(self, authorization: bytes | None) -> Account:
        """The account that a header speaks for.

        Raises:
            PixelpopError: it speaks for nobody, or that cannot be found out now.
        """
        account = self.at_hand(authorization)
        if account is not None:
            return account
        if not authorization:
            raise Problem("token-missing", MISSING)
        if len(authorization) > HEADER_BYTES_MAX or not authorization.isascii():
            raise Problem("token-invalid", MISSING)
        scheme, _, credentials = authorization.decode("ascii").partition(" ")
        if scheme.lower() == "bearer":
            account_id, expires = self._tokens.verify(credentials.strip())
            via: Via = "session"
        elif scheme.lower() == "tma":
            signed_in = await self._sign_in.telegram(credentials.strip())
            account_id, expires, via = signed_in.account_id, signed_in.good_until, "tma"
        else:
            raise Problem("token-missing", MISSING)
        return await self._keep(authorization, account_id, expires, via)

    async def verify_ticket(self, ticket: str) -> Account:
        """The account that a stream ticket speaks for; it opens streams and nothing else.

        Raises:
            PixelpopError: as `verify`.
        """
        account_id, expires = self._tokens.verify(ticket, STREAM)
        key = await self._keys.get(UUID(account_id))
        good_until = time.monotonic() + expires - time.time()
        return Account(account_id, key, good_until, scopes=TICKET, via="ticket")

    def forget(self, account_id: str) -> None:
        """The account was erased: its headers and its key are worth nothing from now on."""
        for authorization in self._headers.pop(account_id, ()):
            self._verified.pop(authorization, None)
        self._keys.forget(UUID(account_id))

    async def _keep(
        self, authorization: bytes, account_id: AccountId, expires: float, via: Via
    ) -> Account:
        key = await self._keys.get(UUID(account_id))
        keep_seconds = min(expires - time.time(), self._keep_seconds)
        account = Account(account_id, key, time.monotonic() + keep_seconds, via=via)
        self._verified[authorization] = account
        self._verified.move_to_end(authorization)
        self._headers.setdefault(account_id, set()).add(authorization)
        while len(self._verified) > self._accounts_max:
            oldest, owner = self._verified.popitem(last=False)
            headers = self._headers[owner.account_id]
            headers.discard(oldest)
            if not headers:
                del self._headers[owner.account_id]
        return account
