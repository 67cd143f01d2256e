"""Who asks: from the `Authorization` header to an account, with what was verified at hand.

`Bearer <access token>`; `Bearer <API key>` for servers; and `tma <init data>` for a MiniApp that
would rather not keep a token. Verified headers are remembered, bounded and never longer than they
are good for; those of an account that is erased or banned are forgotten at once, and refused when
they come again.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from hashlib import sha256
from typing import Final, Literal
from uuid import UUID

from events.ids import AccountId
from gateway.access.api_keys_text import hash_of
from gateway.access.lookup import Access
from gateway.access.permissions import EVENTS_READ, PERSON
from gateway.identity.proofs import Proofs
from gateway.identity.sign_in import SignIn
from gateway.identity.standing import Standings
from gateway.identity.tokens import STREAM, Tokens
from gateway.web.errors import Problem
from runtime.crypto.keys import AccountKeys
from runtime.crypto.master import subkey

MISSING: Final = (
    "Send an Authorization header: `Bearer` with the access token of POST /auth/login, or `tma` "
    "with Telegram init data."
)
KEY_NOT_OURS: Final = "The API key is not one of ours, or was revoked, or has expired."
HEADER_BYTES_MAX: Final = 16_384
API_KEY_PREFIX: Final = "pp_"
API_KEY_KEEP_SECONDS: Final = 60.0
"""How long a verified API key is kept at hand: its last use is noted when it is verified."""
TICKET: Final = frozenset({EVENTS_READ})
"""The scopes of a stream ticket."""
ELSEWHERE: Final = frozenset({"login_widget", "oidc"})
"""Proofs, of `outside.Means`, that are made in a browser and not in one of Telegram's apps."""
Via = Literal["session", "tma", "api_key", "ticket"]


class Account:
    """Who asks, with its key at hand."""

    __slots__ = (
        "account_id",
        "credential_id",
        "good_until",
        "key",
        "mac_key",
        "means",
        "roles",
        "scopes",
        "signed_in_at",
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
        signed_in_at: float = 0.0,
        means: str = "",
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
        self.signed_in_at = signed_in_at
        """When the person signed in, in seconds since 1970; 0: nobody did, it is not a person."""
        self.means = means
        """How the person proved who they are, of `outside.Means`."""

    @property
    def in_telegram(self) -> bool:
        """Whether it may be one of Telegram's apps that asks; so, too, where that is not known."""
        return self.via != "api_key" and self.means not in ELSEWHERE


class Authenticator:
    """Verifies `Authorization` headers.

    Args:
        tokens: checks access tokens.
        proofs: check init data.
        sign_in: finds the account of a person.
        standings: refuse who is erased or banned.
        keys: told of accounts that are gone.
        access: knows roles and API keys.
        accounts_max: how many verified headers are kept.
        keep_seconds: how long at most one is kept: an erasure that was not heard of ends then.
    """

    def __init__(
        self,
        tokens: Tokens,
        proofs: Proofs,
        sign_in: SignIn,
        standings: Standings,
        keys: AccountKeys,
        access: Access,
        *,
        accounts_max: int,
        keep_seconds: float = 300.0,
    ) -> None:
        self._tokens = tokens
        self._proofs = proofs
        self._sign_in = sign_in
        self._standings = standings
        self._keys = keys
        self._access = access
        self._accounts_max = accounts_max
        self._keep_seconds = keep_seconds
        self._verified: OrderedDict[bytes, Account] = OrderedDict()
        """By digest: one header can be written in many ways, and each of them long."""
        self._digests: dict[str, set[bytes]] = {}
        self._forgotten = 0
        """How often something was forgotten: what was asked for before that is not kept."""

    def at_hand(self, authorization: bytes | None) -> Account | None:
        """The account of a header that was verified lately; None: `verify` it."""
        if authorization is None:
            return None
        account = self._verified.get(_digest(authorization))
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
        credentials = credentials.strip()
        if scheme.lower() == "bearer" and credentials.startswith(API_KEY_PREFIX):
            return await self._verify_key(authorization, credentials)
        if scheme.lower() == "bearer":
            return await self._verify_session(authorization, credentials)
        if scheme.lower() == "tma":
            return await self._verify_init_data(authorization, credentials)
        raise Problem("token-missing", MISSING)

    async def verify_ticket(self, ticket: str) -> Account:
        """The account that a stream ticket speaks for; it opens streams and nothing else.

        Raises:
            PixelpopError: as `verify`.
        """
        claims = self._tokens.verify(ticket, STREAM)
        if claims.key_id and not await self._access.is_live(claims.account_id, claims.key_id):
            raise Problem("token-invalid", KEY_NOT_OURS)
        key = await self._standings.key_of(claims.account_id)
        good_until = time.monotonic() + claims.expires - time.time()
        return Account(
            claims.account_id,
            key,
            good_until,
            scopes=TICKET,
            via="ticket",
            credential_id=claims.token_id,
        )

    def erased(self, account_id: str) -> None:
        """The log says that the account was erased: it is refused from now on, whoever asks."""
        self._standings.erased(account_id)
        self.forget(account_id)

    def forget(self, account_id: str) -> None:
        """The account was erased, or may no longer do what it could: verify it anew."""
        self._forgotten += 1
        for digest in self._digests.pop(account_id, ()):
            self._verified.pop(digest, None)
        self._keys.forget(UUID(account_id))

    async def _verify_key(self, authorization: bytes, text: str) -> Account:
        forgotten = self._forgotten
        secret_hash = hash_of(text)
        owner = None if secret_hash is None else await self._access.owner_of(secret_hash)
        if owner is None:
            raise Problem("token-invalid", KEY_NOT_OURS)
        key = await self._standings.key_of(owner.account_id)
        keep_seconds = min(owner.good_until - time.time(), API_KEY_KEEP_SECONDS)
        account = Account(
            owner.account_id,
            key,
            time.monotonic() + keep_seconds,
            scopes=owner.scopes,
            via="api_key",
            credential_id=owner.key_id,
        )
        return self._remember(authorization, account, forgotten)

    async def _verify_session(self, authorization: bytes, token: str) -> Account:
        claims = self._tokens.verify(token)
        return await self._keep(
            authorization,
            claims.account_id,
            claims.expires,
            via="session",
            credential_id=claims.token_id,
            signed_in_at=claims.signed_in,
            means=claims.means,
        )

    async def _verify_init_data(self, authorization: bytes, text: str) -> Account:
        outside = self._proofs.init_data(text)
        signed_in = await self._sign_in.enter(outside, direct=True)
        return await self._keep(
            authorization,
            signed_in.account_id,
            outside.good_until,
            via="tma",
            credential_id="",
            signed_in_at=outside.proved_at,
            means=outside.means,
        )

    async def _keep(
        self,
        authorization: bytes,
        account_id: AccountId,
        expires: float,
        *,
        via: Via,
        credential_id: str,
        signed_in_at: float,
        means: str,
    ) -> Account:
        forgotten = self._forgotten
        key, roles = await asyncio.gather(
            self._standings.key_of(account_id), self._access.roles_of(account_id)
        )
        keep_seconds = min(expires - time.time(), self._keep_seconds)
        account = Account(
            account_id,
            key,
            time.monotonic() + keep_seconds,
            roles=roles,
            via=via,
            credential_id=credential_id,
            signed_in_at=signed_in_at,
            means=means,
        )
        return self._remember(authorization, account, forgotten)

    def _remember(self, authorization: bytes, account: Account, forgotten: int) -> Account:
        if forgotten != self._forgotten:
            return account  # what it may do could have changed since it was asked for
        digest = _digest(authorization)
        self._verified[digest] = account
        self._verified.move_to_end(digest)
        self._digests.setdefault(account.account_id, set()).add(digest)
        while len(self._verified) > self._accounts_max:
            oldest, owner = self._verified.popitem(last=False)
            digests = self._digests[owner.account_id]
            digests.discard(oldest)
            if not digests:
                del self._digests[owner.account_id]
        return account


def _digest(authorization: bytes) -> bytes:
    return sha256(authorization).digest()
