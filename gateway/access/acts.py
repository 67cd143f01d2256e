"""Acts: what changes who may do what. PostgreSQL is changed, and the log is told.

Authorisation asks PostgreSQL, so it is changed first; the event is written beside the change, in
the same transaction, and removed when the log has acked it. A gateway that dies in between leaves
an untold act, which every gateway looks for; told twice, it is the same event id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID, uuid4

import structlog

from events.admin import Act
from events.base import Fact, Sealed
from events.codec import Event, decode, encode
from events.ids import AccountId, EventId, fact_id
from gateway.events_out import EVENTS, outgoing
from gateway.web.errors import Problem
from runtime.crypto.keys import AccountKeys, KeyDestroyed
from runtime.crypto.sealing import seal
from runtime.errors import PixelpopError
from runtime.kafka.clock import BrokerClock
from runtime.kafka.records import Position
from runtime.postgres.pool import Connection, Pool, as_account, borrowed
from runtime.queries import load_queries

if TYPE_CHECKING:
    from gateway.deps import Log

_log = structlog.get_logger(__name__)

UNTOLD_MAX: Final = 500
"""Untold acts that are told in one turn."""
_QUERIES = load_queries(Path(__file__).with_name("acts.sql"))


class Told(NamedTuple):
    """An event of an act."""

    event_id: EventId
    event: Event


Change = Callable[[Connection], Awaitable[Sequence[Told]]]
"""Changes PostgreSQL in a transaction as the account; returns what the log is to be told, if
anything changed. Only database work belongs into it."""


class Draft:
    """Makes the events of one act.

    Args:
        account_id: whom it is about.
        key: of that account.
        actor: who does it.
        reason: in the actor's words; None: nobody was asked for one.
        now_ms: the broker's time.
    """

    def __init__(
        self, account_id: AccountId, key: bytes, actor: AccountId, reason: str | None, now_ms: int
    ) -> None:
        self._account_id = account_id
        self._key = key
        self._actor = actor
        self._reason = reason
        self._now_ms = now_ms

    def event(
        self,
        kind: type[Act],
        *,
        before: Sequence[str] = (),
        after: Sequence[str] = (),
        event_id: EventId | None = None,
        **fields: Any,
    ) -> Told:
        """One event of the act; its id is random unless one is given."""
        event_id = event_id or fact_id(str(uuid4()), "act")
        event = kind(
            account_id=self._account_id,
            occurred_at_ms=self._now_ms,
            actor=self._actor,
            reason=None if not self._reason else self.sealed(self._reason, event_id, "reason"),
            before=tuple(sorted(before)),
            after=tuple(sorted(after)),
            **fields,
        )
        return Told(event_id, event)  # type: ignore[arg-type]  # every Act is an Event

    def sealed(self, text: str, event_id: EventId, field: str) -> Sealed:
        """A field that is sealed for the account."""
        return Sealed(
            seal(
                self._key,
                text,
                account_id=UUID(self._account_id),
                event_id=UUID(event_id),
                field=field,
            )
        )


class Acts:
    """Does acts, and tells those that were left untold.

    Args:
        pool: where they are done.
        log: where they are told.
        keys: seal what is personal.
        clock: the broker's time.
        untold_seconds: how old an act is before it counts as left untold.
    """

    def __init__(
        self,
        pool: Pool,
        log: Log,
        keys: AccountKeys,
        clock: BrokerClock,
        *,
        untold_seconds: float,
    ) -> None:
        self._pool = pool
        self._log = log
        self._keys = keys
        self._clock = clock
        self._untold_seconds = untold_seconds

    async def draft(self, account_id: AccountId, actor: AccountId, reason: str | None) -> Draft:
        """The beginning of an act about an account.

        Raises:
            Problem: there is no such account.
        """
        try:
            key = await self._keys.get(UUID(account_id))
        except KeyDestroyed:
            raise Problem("not-found", "There is no account with this id.") from None
        return Draft(account_id, key, actor, reason, self._clock.now_ms())

    async def do(self, account_id: AccountId, change: Change) -> Position | None:
        """Make a change and tell the log; where its last event stands, if that is known.

        Once the change is made this does not fail: what the log cannot be told now, it is told
        later, by this gateway or another one.

        Raises:
            PixelpopError: the change was not made, or nobody knows.
        """
        return await asyncio.shield(self._do(account_id, change))

    async def _do(self, account_id: AccountId, change: Change) -> Position | None:
        async with as_account(self._pool, UUID(account_id)) as connection:
            told = await change(connection)
            for event_id, event in told:
                await connection.execute(
                    _QUERIES.add_untold, UUID(event_id), UUID(account_id), encode(event)
                )
        position = None
        try:
            for one in told:
                position = await self._tell(one)
        except PixelpopError as error:
            _log.warning("an act was done and is told later", error=str(error))
            return None
        return position

    async def _tell(self, told: Told) -> Position:
        event_id, event = told
        assert isinstance(event, Fact)  # no decision is ever an act
        account_id = event.account_id
        position = await self._log.append(
            EVENTS,
            outgoing(event, event_id, correlation_id=account_id, time_ms=event.occurred_at_ms),
        )
        async with as_account(self._pool, UUID(account_id)) as connection:
            await connection.execute(_QUERIES.remove_untold, UUID(event_id))
        return position

    async def tell_untold(self) -> int:
        """Tell the acts that were left untold; how many they were.

        Raises:
            PixelpopError: database or log cannot be reached.
        """
        async with borrowed(self._pool) as connection:
            rows = await connection.fetch(_QUERIES.get_untold, self._untold_seconds, UNTOLD_MAX)
        for row in rows:
            await self._tell(Told(EventId(str(row["event_id"])), decode(row["value"])))
        if rows:
            _log.warning("acts were told that had been left untold", count=len(rows))
        return len(rows)

    async def keep_telling(self) -> None:
        """Look for untold acts for ever."""
        while True:
            await asyncio.sleep(self._untold_seconds)
            try:
                await self.tell_untold()
            except PixelpopError as error:
                _log.warning("untold acts could not be told", error=str(error))
