"""Fill one read schema from the log: fold the next batch while the last one is written."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, Protocol

import structlog

from events.topics import EVENTS
from projections import offsets, writing
from projections.accounts import States
from projections.batch import Batch, keys_of
from projections.errors import OwnershipLost
from projections.offsets import Cursor
from runtime.kafka.consumer import TopicPartition
from runtime.postgres.errors import DatabaseUnavailable
from runtime.postgres.pool import Pool, transaction
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

Records = dict[TopicPartition, list[Any]]
RETRY_SECONDS = 0.5


class Reader(Protocol):
    """What records come from: a `GroupReader` or a `PartitionReader`."""

    async def get(self, max_records: int | None = None, timeout_seconds: float = 1.0) -> Records:
        """The next records; empty when none came in time."""


class Filling:
    """Cursors, states and the batch under way of one projector and one schema.

    Args:
        settings: limits.
        pool: as the projector's role.
        schema: e.g. `read_v1`.
        owner: who claims partitions, for `projections status`.
        topic: the event log.
    """

    def __init__(
        self, settings: Settings, pool: Pool, schema: str, owner: str, *, topic: str = EVENTS
    ) -> None:
        self._settings = settings
        self._pool = pool
        self.schema = schema
        self._owner = owner
        self._topic = topic
        self._states = States(pool, schema, settings.projection_cache_accounts)
        self._cursors: dict[int, Cursor] = {}
        self._next: dict[int, int] = {}
        self._writing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    @property
    def positions(self) -> dict[int, int]:
        """Partition → the offset after the last record folded; written soon."""
        return dict(self._next)

    @property
    def epochs(self) -> dict[int, int]:
        """Partition → the epoch of this ownership."""
        return {partition: cursor.epoch for partition, cursor in self._cursors.items()}

    async def claim(self, partitions: Collection[int]) -> dict[int, int]:
        """Own these partitions, and no others; returns where each goes on.

        Raises:
            CursorMismatch: a cursor does not match the log.
        """
        async with self._turn:
            self._drop()
            cursors = await self._claim(partitions)
            await offsets.check(cursors, self._settings, topic=self._topic, schema=self.schema)
            self._cursors = cursors
            self._next = {partition: one.next_offset for partition, one in cursors.items()}
            _log.info(
                "partitions claimed",
                schema=self.schema,
                epochs={partition: one.epoch for partition, one in cursors.items()},
            )
            return dict(self._next)

    async def let_go(self) -> None:
        """Finish what is being written and own nothing any more."""
        async with self._turn:
            try:
                await self._written()
            except OwnershipLost:  # then there is nothing to finish
                _log.warning("partitions were lost before they were let go", schema=self.schema)
            finally:
                self._drop()

    async def take(self, records: Records) -> None:
        """Fold records and begin to write them, after the batch before is written.

        Records of partitions that are not owned, or that were folded before, are left out.

        Raises:
            OwnershipLost: another projector owns a partition; `claim` again.
        """
        async with self._turn:
            wanted = self._wanted(records)
            if not wanted:
                return
            batch = Batch(self.schema, await self._load(keys_of(wanted)))
            for partition, part in wanted.items():
                await batch.fold(part, self._cursors[partition].epoch, self._next[partition])
                self._next[partition] = part[-1].offset + 1
            batch.finish()
            await self._written()
            self._states.keep(batch.states, batch.changed)
            self._writing = asyncio.create_task(writing.write(self._pool, batch))

    async def flush(self) -> None:
        """Wait until everything folded is written.

        Raises:
            OwnershipLost: as `take`.
        """
        async with self._turn:
            await self._written()

    def _wanted(self, records: Records) -> dict[int, list[Any]]:
        wanted = {}
        for tp, part in records.items():
            start = self._next.get(tp.partition)
            if start is None or tp.topic != self._topic:
                continue
            # What was delivered before a rebalance may be delivered again.
            new = part if part[0].offset >= start else [one for one in part if one.offset >= start]
            if new:
                wanted[tp.partition] = new
        return wanted

    async def _load(self, account_ids: set[str]) -> dict[str, Any]:
        while True:
            try:
                return await self._states.load(account_ids)
            except DatabaseUnavailable as error:
                _log.warning("states not loaded, trying again", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def _claim(self, partitions: Collection[int]) -> dict[int, Cursor]:
        while True:
            try:
                async with transaction(self._pool, search_path=self.schema) as connection:
                    return await offsets.claim(connection, self._topic, partitions, self._owner)
            except DatabaseUnavailable as error:
                _log.warning("partitions not claimed, trying again", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def _written(self) -> None:
        if self._writing is not None:
            task, self._writing = self._writing, None
            await task

    def _drop(self) -> None:
        self._cursors = {}
        self._next = {}
        self._states.forget()
