"""Wires the auditor process: `pixelpop auditor` compares the books on a schedule."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import asyncpg
import structlog

from events.topics import EVENTS, LIVE
from projections.audit import ledger, metrics
from projections.audit.reconciling import reconcile, tell
from runtime.errors import PixelpopError
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.postgres.pool import Pool, assert_least_privilege, open_pool
from runtime.process import ready
from runtime.settings import Settings
from runtime.telemetry import metrics as telemetry

_log = structlog.get_logger(__name__)

TURN_SECONDS: Final = 30.0
"""How often it looks whether it is time."""
HOUR_SECONDS: Final = 3_600.0
RETRY_SECONDS: Final = 900.0
"""When a comparison that came to no end is tried again, at the latest."""
_MISSING: Final = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError)
"""The read models are not there yet, or being replaced."""


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Compare whenever it is time until `stop` is set.

    Raises:
        StartError: settings, database role or the metrics' address cannot be used.
    """
    door = telemetry.serve(settings.host, settings.metrics_port)
    clock = BrokerClock()
    try:
        async with contextlib.AsyncExitStack() as stack:
            pool = await open_pool(settings, application_name=f"pixelpop auditor {settings.slot}")
            stack.push_async_callback(pool.close)
            await assert_least_privilege(pool)
            producer = LogProducer(settings, clock=clock, role=f"auditor-{settings.slot}")
            await producer.start()
            stack.push_async_callback(producer.stop)
            await clock.prime(producer, LIVE)
            await producer.partitions(EVENTS)
            ready(settings, door.port)
            while not stop.is_set():
                wait = await turn(settings, pool, producer)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await stop.wait()
    finally:
        door.stop()


async def turn(settings: Settings, pool: Pool, producer: LogProducer) -> float:
    """Compare if it is time; how many seconds to wait before the next turn."""
    try:
        if await ledger.take_turn(pool, settings.reconcile_every_hours * HOUR_SECONDS):
            outcome = await reconcile(settings, pool, lambda _what, _count: None)
            told = await tell(pool, producer, outcome.differences)
            _log.info("books compared", differences=len(outcome.differences), new=told)
    except PixelpopError as error:
        metrics.FAILED.labels(error.code).inc()
        _log.error("the books were not compared", code=error.code, reason=str(error))
        await _again(pool, settings)
    except _MISSING:
        _log.info("the read models are not there yet")
        await _again(pool, settings)
    return TURN_SECONDS


async def _again(pool: Pool, settings: Settings) -> None:
    """Let it be time again soon."""
    seconds = min(RETRY_SECONDS, settings.reconcile_every_hours * HOUR_SECONDS)
    with contextlib.suppress(PixelpopError):
        await ledger.retry_in(pool, seconds)
