"""One batch of records: folded in memory, written in one transaction."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import structlog

from events.batches import BatchRequested
from events.fold import apply, freeze
from events.generations import (
    GenerationDeleted,
    GenerationRequested,
    GenerationRestored,
    GenerationStarted,
    ImageDeleted,
    ImageRestored,
)
from events.ids import AccountId
from events.moderation import ModerationVerdict
from events.preferences import ConsentGiven, ConsentWithdrawn, PreferencesChanged
from events.reading import Poison, read
from events.recorded import Recorded, hash_value
from events.state import Account
from events.telegram import TelegramChatChanged
from projections import accounts, metrics, offsets
from projections.batches import Batches, each_request
from projections.credits import Credits
from projections.generations import Generations
from projections.moderation import Verdicts
from projections.offsets import Move
from projections.place import Handler, Place
from projections.profiles import Profiles
from projections.purchases import Purchases
from projections.spending import Costing, Costs
from projections.telegram import TelegramChats
from projections.users import Users
from projections.voids import POISON, VoidRow, Voids

_log = structlog.get_logger(__name__)

_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

FOLD_SLICE = 200
"""Records folded without a pause for the event loop: a write under way must get its turns."""

UNFOLDED = frozenset(
    {
        GenerationStarted,
        GenerationDeleted,
        GenerationRestored,
        ImageDeleted,
        ImageRestored,
        PreferencesChanged,
        ConsentGiven,
        ConsentWithdrawn,
        TelegramChatChanged,
        ModerationVerdict,
    }
)
"""Facts that the fold ignores and that rows tell of all the same."""


class Batch:
    """What a run of records does to the tables of one read schema.

    Args:
        schema: for metrics and logs.
        states: of every account that the records' keys name.
    """

    def __init__(self, schema: str, states: dict[str, Account]) -> None:
        self.schema = schema
        self.states = states
        self.changed: dict[str, Account] = {}
        self.moves: list[Move] = []
        self.records = 0
        self.newest_ms: dict[int, int] = {}
        self.generations = Generations()
        self.batches = Batches()
        self.credits = Credits()
        self.purchases = Purchases()
        self.users = Users()
        self.profiles = Profiles()
        self.telegram = TelegramChats()
        self.verdicts = Verdicts()
        self.costs = Costs()
        self.voids = Voids()
        self._handlers: dict[type, tuple[Handler, ...]] = {}
        for group in (
            *(
                self.batches,
                self.generations,
                self.credits,
                self.purchases,
                self.users,
                self.profiles,
            ),
            *(self.telegram, self.verdicts),
        ):
            for kind, handler in group.handlers().items():
                self._handlers[kind] = (*self._handlers.get(kind, ()), handler)
        for handler in self._handlers[GenerationRequested]:
            self._handlers[BatchRequested] += (each_request(handler),)

    async def fold(self, records: Sequence[Any], epoch: int, expected: int) -> None:
        """Fold consecutive records of one partition; the batch moves its cursor behind them.

        Args:
            records: aiokafka's, in log order.
            epoch: of the ownership that the cursor was claimed with.
            expected: where the cursor stands before.
        """
        for begin in range(0, len(records), FOLD_SLICE):
            self._fold(records[begin : begin + FOLD_SLICE])
            await asyncio.sleep(0)
        last = records[-1]
        hash_before = hash_value(last.value or b"")
        self.moves.append(Move(last.partition, epoch, expected, last.offset + 1, hash_before))
        self.records += len(records)
        self.newest_ms[last.partition] = last.timestamp

    def finish(self) -> None:
        """Derive what follows from the states at the batch's end."""
        self.credits.finish(self.states.__getitem__)

    async def write(self, connection: asyncpg.Connection) -> None:
        """Write everything; the caller's transaction makes it one step.

        Raises:
            OwnershipLost: nothing may be written.
        """
        await offsets.advance(connection, self.moves)
        await accounts.write(connection, self.changed)
        await self.generations.write(connection)
        await self.batches.write(connection)
        await self.credits.write(connection)
        await self.purchases.write(connection)
        await self.users.write(connection)
        await self.profiles.write(connection)
        await self.telegram.write(connection)
        await self.verdicts.write(connection)
        await self.costs.write(connection)
        await self.voids.write(connection)

    def _fold(self, records: Sequence[Any]) -> None:
        states = self.states
        for record in records:
            recorded = read(
                record.key, record.value, record.headers, record.timestamp, keep_value=False
            )
            if type(recorded) is Poison:
                self._poison(record, recorded)
                continue
            assert type(recorded) is Recorded
            event = recorded.event
            before = states[event.account_id]
            after, void = apply(before, recorded)
            kind = type(event)
            if isinstance(event, Costing):
                self.costs.take(event, recorded.appended_at_ms)
            place = Place(
                record.partition, record.offset, recorded.appended_at_ms, recorded.value_hash
            )
            if after is not before:
                states[event.account_id] = self.changed[event.account_id] = after
            elif void is not None:
                self._void(place, event.account_id, kind.__name__, void, None)
                continue
            elif kind not in UNFOLDED or before.frozen is not None:
                continue
            for handler in self._handlers.get(kind, ()):
                handler(event, before, after, place)

    def _poison(self, record: Any, poison: Poison) -> None:
        place = Place(
            record.partition, record.offset, record.timestamp, hash_value(record.value or b"")
        )
        where = f"{record.topic}/{record.partition}/{record.offset}"
        _log.warning("poison record", schema=self.schema, record=where, reason=poison.reason)
        account_id = poison.account_id
        self._void(place, account_id, None, POISON, poison.reason)
        if account_id is not None:
            self._freeze(account_id, f"{where}: {poison.reason}", place)

    def _freeze(self, account_id: AccountId, reason: str, place: Place) -> None:
        before = self.states[account_id]
        after = freeze(before, reason)
        if after is before:
            return
        self.states[account_id] = self.changed[account_id] = after
        self.credits.touch(before, place)
        metrics.FROZEN.labels(self.schema).inc()
        _log.error(
            "account frozen: this version cannot read its money; upgrade, then rebuild",
            schema=self.schema,
            account_id=account_id,
            reason=reason,
        )

    def _void(
        self,
        place: Place,
        account_id: str | None,
        kind: str | None,
        reason: str,
        detail: str | None,
    ) -> None:
        row = VoidRow(
            place.partition,
            place.offset,
            account_id,
            kind,
            str(reason),
            detail,
            place.value_hash,
            place.appended_at_ms,
        )
        self.voids.rows.append(row)
        metrics.VOIDS.labels(self.schema, str(reason)).inc()


def keys_of(batches: Mapping[Any, Sequence[Any]]) -> set[str]:
    """The account ids that the records' keys name; what is no UUID names no account."""
    keys = {record.key for records in batches.values() for record in records}
    return {account_id for key in keys if (account_id := _account_id(key)) is not None}


def _account_id(key: bytes | None) -> str | None:
    return key.decode() if key is not None and _UUID.fullmatch(key) else None
