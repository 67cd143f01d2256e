"""Watching that no job is skipped on its way through Faust.

When its flow is interrupted, Faust drops what it fetched and seeks back to what is committed; of
a partition where nothing is committed yet it does not seek (`Consumer.perform_seek` and aiokafka's
`seek_to_committed`, for which offset 0 is none), and what was dropped would wait for the next
assignment. So the first offset of an assignment and every jump are checked against the log.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition

from processors.worker.intake import RecordsSkipped
from processors.worker.work import Delivery
from runtime.kafka.connect import client_options
from runtime.kafka.lookup import LogLookup
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

LOOK_MAX = 100
"""How many missing offsets are looked at: they follow each other, if there is one at all."""


@contextlib.asynccontextmanager
async def open_gaps(settings: Settings, group: str) -> AsyncIterator[Gaps]:
    """Connect; closed at the end. `group` is who reads."""
    admin = AIOKafkaAdminClient(**client_options(settings, role="worker-admin"))
    await admin.start()
    try:
        async with LogLookup(settings) as lookup:
            yield Gaps(admin, lookup, group)
    finally:
        await admin.close()


class Gaps:
    """Compares what Faust delivers with what the log holds.

    Args:
        admin: tells what the group has committed.
        lookup: looks at the log.
        group: who reads.
    """

    def __init__(self, admin: AIOKafkaAdminClient, lookup: LogLookup, group: str) -> None:
        self._group = group
        self._admin = admin
        self._lookup = lookup
        self._lock = asyncio.Lock()

    async def check(self, delivery: Delivery, last: int | None) -> None:
        """Check the way from `last` (None: from what is committed) to this delivery.

        Raises:
            RecordsSkipped: the log holds a record between them.
        """
        tp = TopicPartition(delivery.topic, delivery.partition)
        async with self._lock:
            expected = await self._start(tp) if last is None else last + 1
            missing = range(expected, delivery.offset)
            for offset in missing[:LOOK_MAX]:
                record = await self._lookup.read_one(tp.topic, tp.partition, offset)
                if record is not None:
                    raise RecordsSkipped(
                        f"{delivery.origin} was delivered, but {offset} comes before it."
                    )
        if missing:
            _log.info("offsets without records", first=missing[0], next=delivery.offset)

    async def _start(self, tp: TopicPartition) -> int:
        """Where an assignment must begin: what is committed, if the log still holds it."""
        committed = await self._admin.list_consumer_group_offsets(self._group, partitions=[tp])
        beginning = await self._lookup.beginning_offsets([(tp.topic, tp.partition)])
        known = committed.get(tp)
        return max(beginning[tp], known.offset if known is not None else 0)
