"""Reads the whole log for erasures, from a cursor that PostgreSQL keeps.

A PostgreSQL that was set back to an old backup takes the cursor back with it, so what was erased
since is erased again. A cursor that does not fit the log is not believed: the log is read from its
beginning, which repeats steps that may be repeated.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import structlog

from events.accounts import AccountErased
from events.envelope import type_header_of
from events.reading import Poison, read
from events.recorded import hash_value
from events.topics import EVENTS
from processors.eraser import metrics
from processors.eraser.erasing import QUERIES, RETURNED_SECONDS, Eraser, report_returned
from runtime.errors import PixelpopError
from runtime.kafka.consumer import LogLookup, PartitionReader
from runtime.postgres.pool import Pool, transaction
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

RECORDS_PER_TURN: Final = 2_000
FETCH_MAX_WAIT_MS: Final = 100
LOOK_SECONDS: Final = 10.0
"""How often to look whether PostgreSQL still has the cursors that were saved."""
_WANTED: Final = type_header_of(AccountErased)[1]


class CursorMoved(PixelpopError):
    """The cursor is not where this process left it: set back, or another eraser runs."""

    code = "cursor-moved"
    retryable = True


class Following:
    """One reading of the log, from the cursors on until something fails.

    Args:
        settings: brokers.
        pool: keeps the cursors.
        eraser: told of what is read.
        topic: the log.
    """

    def __init__(
        self, settings: Settings, pool: Pool, eraser: Eraser, *, topic: str = EVENTS
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._eraser = eraser
        self._topic = topic
        self._saved: dict[int, int] = {}

    async def run(self, woken: Any) -> None:
        """Read for ever; `woken.set()` is called whenever there may be something to do.

        Raises:
            CursorMoved: begin anew, from where the cursors are.
            PixelpopError: log or database cannot be used.
        """
        starts = await self._starts()
        reader = PartitionReader(
            self._settings, starts, name="eraser", fetch_max_wait_ms=FETCH_MAX_WAIT_MS
        )
        await reader.start()
        looked = time.monotonic()
        try:
            while True:
                batch = await reader.get(RECORDS_PER_TURN, 1.0)
                for tp, records in batch.items():
                    if await self._take(records):
                        woken.set()
                    await self._save(tp.partition, records[-1])
                if time.monotonic() - looked > LOOK_SECONDS:
                    looked = time.monotonic()
                    await self._look()
        finally:
            await reader.stop()

    async def _take(self, records: Sequence[Any]) -> bool:
        erased: dict[UUID, int] = {}
        for record in records:
            if not _is_wanted(record.headers):
                continue
            recorded = read(record.key, record.value, record.headers, record.timestamp)
            if isinstance(recorded, Poison):
                _log.error("poison record", offset=record.offset, reason=recorded.reason)
            else:
                erased[UUID(recorded.event.account_id)] = record.timestamp
        for account_id, erased_at_ms in erased.items():
            existed = await self._eraser.destroy(account_id)
            if existed and time.time() - erased_at_ms / 1000 > RETURNED_SECONDS:
                report_returned(account_id)
        return bool(erased)

    async def _starts(self) -> dict[tuple[str, int], int]:
        """Where to go on: at the saved cursors that fit the log, else at its beginning."""
        partitions = [(self._topic, number) for number in range(self._settings.kafka_partitions)]
        async with transaction(self._pool) as connection:
            saved = {row["partition"]: row for row in await connection.fetch(QUERIES.cursors)}
        self._saved = {number: row["next_offset"] for number, row in saved.items()}
        async with LogLookup(self._settings) as lookup:
            beginnings = await lookup.beginning_offsets(partitions)
            starts = {(tp.topic, tp.partition): offset for tp, offset in beginnings.items()}
            for number, row in saved.items():
                place = (self._topic, number)
                offset = row["next_offset"]
                before = await lookup.read_one(self._topic, number, offset - 1) if offset else None
                if before is not None and hash_value(before.value or b"") == row["hash_before"]:
                    starts[place] = offset
                elif place in starts:
                    _log.error("the cursor does not fit the log; reading all of it", place=place)
        return starts

    async def _save(self, partition: int, last: Any) -> None:
        next_offset = last.offset + 1
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(
                QUERIES.advance,
                partition,
                next_offset,
                hash_value(last.value or b""),
                self._saved.get(partition, -1),
            )
        if row is None:
            raise CursorMoved(f"The cursor of partition {partition} was moved by somebody else.")
        self._saved[partition] = next_offset

    async def _look(self) -> None:
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(QUERIES.cursors)
        found = {row["partition"]: row["next_offset"] for row in rows}
        if found == self._saved:
            return
        if any(found.get(number, 0) < offset for number, offset in self._saved.items()):
            metrics.SET_BACK.inc()
            _log.error("PostgreSQL was set back, maybe from a backup: erasing anew what came since")
        raise CursorMoved("The cursors are not where they were left.")


def _is_wanted(headers: Sequence[tuple[str, bytes]]) -> bool:
    return any(name == "ce_type" and content == _WANTED for name, content in headers)
