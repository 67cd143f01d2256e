"""Writing a test's log, and waiting until its projection has read it."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from benchmarks import synthetic
from events.state import Account
from runtime.kafka.consumer import ConsumerRecord, PartitionReader, end_offsets
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing
from runtime.settings import Settings
from runtime.waiting import until

PARTITIONS = 2
CAUGHT_UP_SECONDS = 30.0
TABLES = (
    "generations",
    "images",
    "batches",
    "batch_items",
    "credit_accounts",
    "grants",
    "ledger",
    "purchases",
    "users",
    "preferences",
    "consents",
    "telegram_chats",
    "moderation_verdicts",
    "voids",
)


class TestLog:
    """One topic that only this test uses."""

    __test__ = False

    def __init__(self, settings: Settings, producer: LogProducer, topic: str) -> None:
        self.settings = settings
        self.producer = producer
        self.topic = topic
        self.append = synthetic.appender(producer, PARTITIONS, topic=topic)

    async def write(self, accounts: int, *, seed: int = 1) -> list[Account]:
        """A valid history of so many accounts."""
        return await synthetic.write_log(self.append, accounts, wave_accounts=50, seed=seed)

    async def append_one(self, record: Outgoing, partition: int | None = None) -> None:
        """One record, valid or not."""
        await self.producer.append(self.topic, record, partition=partition)

    async def ends(self) -> dict[int, int]:
        """Partition → the offset that its next record will get."""
        pairs = [(self.topic, partition) for partition in range(PARTITIONS)]
        found = await end_offsets(self.settings, pairs)
        return {tp.partition: offset for tp, offset in found.items()}

    async def records(self) -> list[ConsumerRecord[bytes, bytes]]:
        """The whole log, partition by partition."""
        ends = await self.ends()
        starts = {(self.topic, partition): 0 for partition in range(PARTITIONS)}
        reader = PartitionReader(self.settings, starts, name="test")
        await reader.start()
        parts: dict[int, list[ConsumerRecord[bytes, bytes]]] = {0: [], 1: []}
        try:
            while any((reader.position(self.topic, p) or 0) < end for p, end in ends.items()):
                for tp, records in (await reader.get()).items():
                    parts[tp.partition] += records
        finally:
            await reader.stop()
        return [record for part in parts.values() for record in part]


async def caught_up(
    owner: asyncpg.Connection, log: TestLog, offsets: str = "read.projection_offsets"
) -> None:
    """Wait until the projection has passed the end of the log."""
    ends = {partition: end for partition, end in (await log.ends()).items() if end}

    async def passed() -> bool:
        if await owner.fetchval("SELECT to_regclass($1)", offsets) is None:
            return False
        rows = await owner.fetch(f"SELECT partition, next_offset FROM {offsets}")
        at = {row["partition"]: row["next_offset"] for row in rows}
        return all(at.get(partition, 0) >= end for partition, end in ends.items())

    await until(passed, CAUGHT_UP_SECONDS, what=f"the projection to pass {ends}")


async def table(owner: asyncpg.Connection, name: str) -> Sequence[dict[str, object]]:
    """All rows of a table, as plain values."""
    rows = await owner.fetch(f'SELECT * FROM {name} AS t ORDER BY t::text COLLATE "C"')
    return [dict(row) for row in rows]
