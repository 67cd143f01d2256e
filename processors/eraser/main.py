"""Wires the eraser process: `pixelpop eraser`."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import asyncpg
import structlog

from events.topics import EVENTS, LIVE
from processors.eraser import metrics
from processors.eraser.bins import Bin
from processors.eraser.debts import Debts
from processors.eraser.erasing import SWEEPS_MAX, Eraser
from processors.eraser.following import Following
from processors.eraser.uploads import Uploads
from runtime.errors import PixelpopError
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.objects import ObjectStore, open_objects
from runtime.postgres.pool import assert_least_privilege, open_pool
from runtime.process import ready
from runtime.settings import Settings
from runtime.telemetry import metrics as telemetry

_log = structlog.get_logger(__name__)

TURN_SECONDS: Final = 1.0
"""How long an idle eraser waits before it looks again what is due."""
HOURLY_SECONDS: Final = 3_600.0
RETRY_SECONDS: Final = 1.0
_MISSING: Final = (asyncpg.UndefinedFunctionError, asyncpg.InvalidSchemaNameError)
"""The read models are not there yet, or being replaced."""


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Finish erasures until `stop` is set.

    Raises:
        StartError: settings, database role or the metrics' address cannot be used.
    """
    door = telemetry.serve(settings.host, settings.metrics_port)
    try:
        async with open_objects(settings) as objects:
            await run(settings, stop, objects=objects, started=partial(ready, settings, door.port))
    finally:
        door.stop()


async def run(
    settings: Settings,
    stop: asyncio.Event,
    *,
    objects: ObjectStore,
    started: Callable[[], None] = lambda: None,
) -> None:
    """`main` with the object store handed in; `started` is called once it works."""
    clock = BrokerClock()
    async with contextlib.AsyncExitStack() as stack:
        pool = await open_pool(settings, application_name=f"pixelpop eraser {settings.slot}")
        stack.push_async_callback(pool.close)
        await assert_least_privilege(pool)
        producer = LogProducer(settings, clock=clock, role=f"eraser-{settings.slot}")
        await producer.start()
        stack.push_async_callback(producer.stop)
        await clock.prime(producer, LIVE)
        await producer.partitions(EVENTS)
        eraser = Eraser(pool, objects, sweep_again_seconds=settings.erasure_sweep_again_seconds)
        debts = Debts(pool, producer, clock, marks_days=settings.erasure_debt_days)
        uploads = Uploads(pool, objects)
        bin_ = Bin(settings, pool, objects, clock)
        woken = asyncio.Event()
        following = asyncio.create_task(
            _patiently(lambda: Following(settings, pool, eraser).run(woken))
        )
        working = asyncio.create_task(
            _patiently(lambda: _work(eraser, debts, uploads, bin_, woken))
        )
        stopping = asyncio.create_task(stop.wait())
        tasks = {following, working, stopping}
        started()
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _work(
    eraser: Eraser, debts: Debts, uploads: Uploads, bin_: Bin, woken: asyncio.Event
) -> None:
    """Turn after turn, take the steps that are due."""
    hourly_at = 0.0
    while True:
        while await eraser.sweep() == SWEEPS_MAX:
            pass
        with contextlib.suppress(*_MISSING):
            await debts.settle()
            if time.monotonic() >= hourly_at:
                await eraser.destroy_returned()
                await debts.look_again()
                await bin_.empty()
                hourly_at = time.monotonic() + HOURLY_SECONDS
        await debts.carry()
        await eraser.count_open()
        await uploads.sweep()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TURN_SECONDS):
                await woken.wait()
        woken.clear()


async def _patiently(work: Callable[[], Awaitable[None]]) -> None:
    """Begin anew, after a pause, whenever a server was away."""
    while True:
        try:
            await work()
        except PixelpopError as error:
            metrics.FAILED.labels(error.code).inc()
            _log.warning("erasing goes on in a moment", code=error.code, reason=str(error))
        await asyncio.sleep(RETRY_SECONDS)
