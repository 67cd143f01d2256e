"""One transaction per batch, repeated until its outcome is known."""

from __future__ import annotations

import asyncio
import time

import structlog

from projections import metrics, offsets
from projections.batch import Batch
from projections.errors import OwnershipLost
from runtime.postgres.errors import DatabaseUnavailable
from runtime.postgres.pool import Pool, transaction

_log = structlog.get_logger(__name__)

RETRY_SECONDS_MIN = 0.1
RETRY_SECONDS_MAX = 2.0


async def write(pool: Pool, batch: Batch) -> None:
    """Write a batch; while the database is away, wait and try again.

    A commit whose answer got lost is recognised by the cursors, which nobody else can have moved
    there in this epoch.

    Raises:
        OwnershipLost: another projector owns a partition of it; nothing was written.
    """
    wait_seconds, in_doubt = RETRY_SECONDS_MIN, False
    while True:
        try:
            if in_doubt and await _is_done(pool, batch):
                break
            await _write_once(pool, batch)
            break
        except DatabaseUnavailable as error:
            in_doubt = True
            _log.warning("batch not written, trying again", schema=batch.schema, error=str(error))
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, RETRY_SECONDS_MAX)
        except OwnershipLost:
            metrics.OWNERSHIP_LOST.inc()
            raise
    _count(batch)


async def _write_once(pool: Pool, batch: Batch) -> None:
    with metrics.WRITE_SECONDS.labels(batch.schema).time():
        async with transaction(pool, search_path=batch.schema) as connection:
            await connection.execute(offsets.QUERIES.lose_no_time)
            await batch.write(connection)


async def _is_done(pool: Pool, batch: Batch) -> bool:
    async with transaction(pool, search_path=batch.schema) as connection:
        return await offsets.is_done(connection, batch.moves)


def _count(batch: Batch) -> None:
    metrics.EVENTS.labels(batch.schema).inc(batch.records)
    metrics.BATCH_EVENTS.labels(batch.schema).observe(batch.records)
    now_ms = time.time() * 1000
    for partition, newest_ms in batch.newest_ms.items():
        behind = max(0.0, (now_ms - newest_ms) / 1000)
        metrics.BEHIND_SECONDS.labels(batch.schema, str(partition)).set(behind)
