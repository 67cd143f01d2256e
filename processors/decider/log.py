"""Single looks at the log: where a partition begins and ends, and what stands at an offset."""

from __future__ import annotations

import asyncio

from runtime.kafka.lookup import LogLookup
from runtime.kafka.records import Record


class Log:
    """A shared `LogLookup`: its calls may not overlap, so they take turns here."""

    def __init__(self, lookup: LogLookup) -> None:
        self._lookup = lookup
        self._turn = asyncio.Lock()

    async def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """The first offset that the partition holds, and the one that its next record gets."""
        async with self._turn:
            begin = await self._lookup.beginning_offsets([(topic, partition)])
            end = await self._lookup.end_offsets([(topic, partition)])
        return next(iter(begin.values())), next(iter(end.values()))

    async def record_at(self, topic: str, partition: int, offset: int) -> Record | None:
        """One record; None if the log does not hold it."""
        async with self._turn:
            return await self._lookup.read_one(topic, partition, offset)

    async def value_at(self, topic: str, partition: int, offset: int) -> bytes | None:
        """Its value bytes; an empty value for a record without one, None if there is no record."""
        record = await self.record_at(topic, partition, offset)
        return None if record is None else record.value or b""
