"""Running a Faust app from its start until it has drained."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import faust
import structlog
from aiokafka.errors import KafkaConnectionError

from processors.worker.intake import Intake
from runtime import process
from runtime.kafka.errors import LogUnreachable
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

STOP_SECONDS_MAX = 15.0
"""How long Faust may take to stop once nothing runs any more."""


async def until_stopped(
    settings: Settings, app: faust.App, intake: Intake[Any], stop: asyncio.Event, port: int
) -> int:
    """Run the app until it is asked to stop or cannot go on; then drain, bounded.

    Returns the exit status; `port` is where this process serves its metrics.
    """
    starting = asyncio.create_task(app.start(), name="faust")
    stopping = asyncio.create_task(stop.wait())
    ended = asyncio.create_task(app.wait_until_stopped())
    watched: set[asyncio.Future[Any]] = {stopping, ended, intake.failed}
    try:
        await asyncio.wait({starting, *watched}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            _raise_named(starting, settings)
            process.ready(settings, port)
            _log.info("ready to take work")
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        asked = stop.is_set()
        _log.info("taking no more work", asked=asked, running=intake.running)
        if not await intake.drain(settings.worker_drain_seconds):
            _log.warning("work is abandoned; it will be delivered again", jobs=intake.running)
        return 0 if asked and not intake.failed.done() else process.EXIT_CRASH
    finally:
        if intake.failed.done():
            intake.failed.exception()  # logged where it happened
        await intake.abandon()
        for task in (starting, stopping, ended):
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await app.stop()


def _raise_named(starting: asyncio.Task[None], settings: Settings) -> None:
    """Faust's producer asks for the brokers once and does not wait for them."""
    try:
        starting.result()
    except KafkaConnectionError as error:
        raise LogUnreachable(
            f"No Kafka broker answered at {settings.kafka_bootstrap_servers}: {error!r}."
        ) from error
