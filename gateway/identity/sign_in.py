"""From a checked outside identity to an account: found, or made with a key of its own.

A proof of identity opens one session. Whoever sends the same proof again, and cannot say the
session key that came with it first, is somebody else who overheard it (threat 10). It is used up
last, so that a sign-in that failed half-way can be tried again.

`UserRegistered` is appended when the account is new, and again at the next sign-in if a crash came
between the append and the note that it was acked; its id is deterministic, so it counts once.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import msgspec

from events.accounts import UserRegistered
from events.base import Sealed
from events.ids import AccountId, EventId, fact_id
from gateway.events_out import EVENTS, outgoing
from gateway.identity.outside import TELEGRAM, Outside
from gateway.identity.standing import BANNED, Standings
from gateway.web.errors import Problem
from runtime.crypto.keys import AccountKeys, new_account_key, unwrap, wrap
from runtime.crypto.master import MasterKeys, identity_mark
from runtime.crypto.sealing import seal
from runtime.kafka.clock import BrokerClock
from runtime.kafka.records import Position
from runtime.postgres.pool import Pool, as_account, transaction
from runtime.queries import load_queries
from runtime.settings import Settings

if TYPE_CHECKING:
    from gateway.deps import Log

PROOF: Final = "proof"
"""What the marks of used proofs are made under; no provider is called so."""
USED: Final = (
    "This sign-in data was used already. Close the MiniApp, or sign in again, to get new data; to "
    "use the same again, send the session_key that came with it first."
)
ENDED: Final = (
    "What this sign-in data was for is no more. Close the MiniApp, or sign in again, for new data."
)
NEW_SECONDS: Final = 3_600.0
"""How young an account is that an invitation still counts for: a sign-in may be tried again."""
_QUERIES = load_queries(Path(__file__).with_name("sign_in.sql"))


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed in."""

    account_id: AccountId
    outside: Outside
    registered_at: Position | None
    """Where this sign-in's `UserRegistered` stands; None if there was nothing to append."""
    welcomed: bool
    """Whether that one brings the welcome grant."""


class SignIn:
    """Signs people in.

    Args:
        settings: welcome credits.
        pool: holds the identities.
        log: where new accounts are told.
        keys: told of every account's key that is opened or made.
        masters: wrap keys and make marks.
        clock: the broker's time.
        standings: know of accounts that were erased just now.
    """

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        log: Log,
        keys: AccountKeys,
        masters: MasterKeys,
        clock: BrokerClock,
        standings: Standings,
    ) -> None:
        self._welcome_credits = settings.welcome_credits
        self._pool = pool
        self._log = log
        self._keys = keys
        self._masters = masters
        self._clock = clock
        self._standings = standings

    async def enter(
        self, outside: Outside, *, session_key: str | None = None, direct: bool = False
    ) -> SignedIn:
        """Sign in whom a proof leads to.

        Args:
            outside: as the proof names them.
            session_key: a secret of the client's, by which it may use this proof again.
            direct: the proof comes with every request, and opens no session.

        Raises:
            Problem: the person is banned, the account is erased, or the proof was used before, be
                it for an account that is gone.
            PixelpopError: database or log cannot be reached.
        """
        row, account_id = await self._find_or_make(outside)
        self._standings.refuse_erased(str(account_id))
        registered_at = None
        welcome = 0
        if row["welcome"] and outside.provider == TELEGRAM:
            welcome = self._welcome_credits
        if not row["registered"]:
            # Finished even if the client goes away: half of it would wait for the next sign-in.
            registered_at = await asyncio.shield(self._register(account_id, outside, welcome))
        if outside.invited_by:
            async with as_account(self._pool, account_id) as connection:
                await connection.execute(_QUERIES.note_referral, outside.invited_by, NEW_SECONDS)
        await self.use(outside, session_key, direct=direct)
        return SignedIn(
            account_id=AccountId(str(account_id)),
            outside=outside,
            registered_at=registered_at,
            welcomed=welcome > 0,
        )

    async def use(
        self, outside: Outside, session_key: str | None = None, *, direct: bool = False
    ) -> None:
        """Use the proof up, or refuse it.

        Raises:
            Problem: it was used by somebody else, or in the other way.
        """
        key_hash = None if session_key is None else sha256(session_key.encode()).digest()
        async with transaction(self._pool) as connection:
            may = await connection.fetchval(
                _QUERIES.use_proof,
                self._mark_of_proof(outside),
                direct,
                key_hash,
                outside.good_until,
            )
        if not may:
            raise Problem("proof-used", USED)

    def mark_of(self, outside: Outside) -> bytes:
        """What `identity_marks` knows the person by."""
        return identity_mark(self._masters, outside.provider, outside.subject_id)

    def _mark_of_proof(self, outside: Outside) -> bytes:
        return identity_mark(self._masters, PROOF, outside.digest.hex())

    async def _find_or_make(self, outside: Outside) -> tuple[dict[str, object], UUID]:
        offered_id, offered_key = uuid4(), new_account_key()
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(
                _QUERIES.sign_in,
                outside.provider,
                outside.subject_id,
                self.mark_of(outside),
                offered_id,
                wrap(self._masters.current, offered_key, offered_id),
                self._masters.current.id,
                self._mark_of_proof(outside),
            )
        if row is None:
            raise Problem("proof-used", ENDED)
        if row["banned"] or row["account_id"] is None:
            raise Problem("account-banned", BANNED)
        account_id: UUID = row["account_id"]
        self._keys.put(account_id, unwrap(self._masters, row["wrapped_key"], account_id))
        return dict(row), account_id

    async def _register(self, account_id: UUID, outside: Outside, welcome: int) -> Position:
        name = AccountId(str(account_id))
        event_id = fact_id(name, "registered")
        now_ms = self._clock.now_ms()
        event = UserRegistered(
            account_id=name,
            occurred_at_ms=now_ms,
            welcome_credits=welcome,
            display_name=await self._sealed_name(account_id, event_id, outside),
            language=outside.language or None,
        )
        position = await self._log.append(
            EVENTS, outgoing(event, event_id, correlation_id=name, time_ms=now_ms)
        )
        async with as_account(self._pool, account_id) as connection:
            await connection.execute(_QUERIES.set_registered, account_id)
        return position

    async def _sealed_name(
        self, account_id: UUID, event_id: EventId, outside: Outside
    ) -> Sealed | None:
        if not outside.display_name:
            return None
        return Sealed(
            seal(
                await self._keys.get(account_id),
                outside.display_name,
                account_id=account_id,
                event_id=UUID(event_id),
                field="display_name",
            )
        )
