"""Keep one read schema up to date, as one of the projectors that share its partitions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import NoReturn

import structlog

from events.topics import EVENTS
from projections import metrics
from projections.credits import QUERIES
from projections.errors import OwnershipLost
from projections.filling import Filling
from projections.schema import Version
from runtime.kafka.consumer import GroupReader, LogUnreadable, TopicPartition
from runtime.postgres.errors import DatabaseUnavailable
from runtime.postgres.pool import Pool, transaction
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

FETCH_BYTES_MIN = 131_072
"""The brokers gather as much before they answer: small batches cost nearly what large ones do."""
PAUSE_SECONDS_MAX = 0.25
PAUSE_SECONDS_PER_EVENT = 0.0004
"""How long a batch lets the next one gather. From 2,500 events a second on each gathers more than
the one before, up to the most; of fewer, each is written as it comes. What an account does then is
written once, not once for each thing it does."""
GET_SECONDS = 0.5
"""How long to wait for records before looking whether to stop."""
REJOIN_SECONDS = 1.0


async def follow(
    settings: Settings, pool: Pool, version: Version, *, topic: str = EVENTS
) -> NoReturn:
    """Fill `version` until cancelled; what is being written is finished first.

    Raises:
        CursorMismatch, CursorLost: the tables do not belong to this log.
    """
    while True:
        try:
            await _count_frozen(pool, version)
            await _follow_once(settings, pool, version, topic)
        except (OwnershipLost, LogUnreadable, DatabaseUnavailable) as error:
            _log.warning("joining anew", schema=version.schema, error=str(error))
        await asyncio.sleep(REJOIN_SECONDS)


async def _count_frozen(pool: Pool, version: Version) -> None:
    """Say at every start what an earlier version of the code could not read."""
    async with transaction(pool, search_path=version.schema) as connection:
        frozen = await connection.fetchval(QUERIES.count_frozen)
    metrics.FROZEN.labels(version.schema).set(frozen)
    if frozen:
        _log.error(
            "accounts are frozen; with a version that reads their records, run a rebuild",
            schema=version.schema,
            accounts=frozen,
        )


async def _follow_once(settings: Settings, pool: Pool, version: Version, topic: str) -> NoReturn:
    filling = Filling(settings, pool, version.schema, f"projector-{settings.slot}", topic=topic)

    async def assigned(partitions: frozenset[TopicPartition]) -> Mapping[TopicPartition, int]:
        starts = await filling.claim({tp.partition for tp in partitions})
        return {tp: starts[tp.partition] for tp in partitions}

    async def revoked(_partitions: frozenset[TopicPartition]) -> None:
        await filling.let_go()

    reader = GroupReader(
        settings,
        f"pixelpop-projector-{version.schema}-{version.uid}",
        [topic],
        on_assigned=assigned,
        on_revoked=revoked,
        group_instance_id=f"projector-{settings.slot}",
        name=f"projector-{version.schema}",
        fetch_max_wait_ms=settings.projection_fetch_wait_ms,
        fetch_min_bytes=FETCH_BYTES_MIN,
    )
    await reader.start()
    due = 0.0
    try:
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            records = await reader.get(settings.projection_batch_events, GET_SECONDS)
            if records:
                due = time.monotonic() + pause_seconds(settings, sum(map(len, records.values())))
                await filling.take(records)
            else:
                await filling.flush()
    finally:
        await reader.stop()


def pause_seconds(settings: Settings, events: int) -> float:
    """From the beginning of a batch of so many events to the next one, in seconds."""
    if events >= settings.projection_batch_events:
        return 0.0  # behind: there is more already
    return min(PAUSE_SECONDS_MAX, PAUSE_SECONDS_PER_EVENT * events)
