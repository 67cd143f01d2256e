"""Wires the worker process: `pixelpop worker`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import faust
import structlog
import uvloop
from aiokafka.errors import KafkaConnectionError

from events.topics import EVENTS, LIVE
from processors.providers import open_providers
from processors.worker import slot
from processors.worker.agent import attach
from processors.worker.app import make_app
from processors.worker.claims import Claims
from processors.worker.gaps import open_gaps
from processors.worker.intake import Intake
from processors.worker.jobs import Jobs
from processors.worker.leases import Leases
from processors.worker.live import Live
from processors.worker.slot import Slot
from processors.worker.tools import Tools
from processors.worker.watchdog import Watchdog
from runtime import process
from runtime.crypto.keys import AccountKeys
from runtime.crypto.master import master_keys
from runtime.errors import PixelpopError, SettingsError
from runtime.kafka.clock import BrokerClock
from runtime.kafka.errors import LogUnreachable
from runtime.kafka.producer import LogProducer
from runtime.objects import MemoryObjects, ObjectStore, open_objects
from runtime.postgres.account_keys import wrapped_key_loader
from runtime.postgres.pool import assert_least_privilege, open_pool
from runtime.settings import Settings
from runtime.telemetry import metrics as telemetry

_log = structlog.get_logger(__name__)

CLOCK_SECONDS = 30.0
"""How often the broker's time is asked for; a machine that slept must not act on an old time."""
STOP_SECONDS_MAX = 15.0
"""How long Faust may take to stop once nothing runs any more."""
KEY_TTL_SECONDS = 30.0
"""How long an account's key is used without asking again whether the account still exists."""
LIBRARIES = ("faust", "mode", "aiokafka", "openai", "httpx2", "httpcore2", "filelock")
"""Kept to warnings at every level: what they say of a healthy worker, our own lines say better,
and `openai` would say prompts."""


def run(settings: Settings) -> int:
    """Perform jobs until asked to stop; returns the exit status.

    Raises:
        StartError: it cannot start as configured.
    """
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    with (
        slot.hold(settings) as held,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(_run(settings, held))


async def _run(settings: Settings, held: Slot) -> int:
    stop = asyncio.Event()
    process.handle_signals(stop)
    async with opened(settings, held.holder) as tools, open_gaps(settings) as gaps:
        await free_gone(tools.claims, held)
        jobs = Jobs(tools)
        intake = Intake(
            jobs.perform,
            gaps.check,
            jobs_max=settings.worker_jobs,
            window_max=settings.worker_window_records,
        )
        app = make_app(settings)
        attach(app, intake)
        door = telemetry.serve("127.0.0.1", settings.metrics_port)
        try:
            with Watchdog(app, intake, stuck_seconds=settings.worker_stuck_seconds):
                return await _work(settings, app, intake, stop, door.port)
        finally:
            door.stop()


async def _work(
    settings: Settings, app: faust.App, intake: Intake, stop: asyncio.Event, port: int
) -> int:
    """Run the app until it is asked to stop or cannot go on; then drain, bounded."""
    starting = asyncio.create_task(app.start(), name="faust")
    stopping = asyncio.create_task(stop.wait())
    ended = asyncio.create_task(app.wait_until_stopped())
    watched: set[asyncio.Future[Any]] = {stopping, ended, intake.failed}
    try:
        await asyncio.wait({starting, *watched}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            _raise_named(starting, settings)
            process.ready(settings, port)
            _log.info("worker ready")
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        asked = stop.is_set()
        _log.info("worker stops", asked=asked, running=intake.running)
        if not await intake.drain(settings.worker_drain_seconds):
            _log.warning("jobs are abandoned; they will be delivered again", jobs=intake.running)
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


@contextlib.asynccontextmanager
async def opened(settings: Settings, holder: UUID) -> AsyncIterator[Tools]:
    """Connect to everything that jobs use, as this process; close it in the opposite order.

    Raises:
        StartError: something is not configured.
        PixelpopError: a server does not answer.
    """
    async with contextlib.AsyncExitStack() as stack:
        executor = ThreadPoolExecutor(settings.worker_image_threads, "images")
        stack.callback(executor.shutdown, wait=False, cancel_futures=True)
        pool = await open_pool(settings, application_name=f"pixelpop worker {settings.slot}")
        stack.push_async_callback(pool.close)
        await assert_least_privilege(pool)
        clock = BrokerClock()
        producer = LogProducer(settings, clock=clock, role="worker")
        await producer.start()
        stack.push_async_callback(producer.stop)
        await producer.partitions(EVENTS)
        await clock.prime(producer, LIVE)
        objects = await stack.enter_async_context(_objects(settings))
        providers = open_providers(settings, executor)
        for provider in providers.values():
            stack.push_async_callback(provider.close)
        claims = Claims(pool, holder=holder, lease_seconds=settings.worker_lease_seconds)
        leases = Leases(claims, lease_seconds=settings.worker_lease_seconds)
        leases.start()
        stack.push_async_callback(leases.stop)
        keeping = asyncio.create_task(_keep_time(clock, producer))
        stack.callback(keeping.cancel)
        yield Tools(
            producer=producer,
            clock=clock,
            claims=claims,
            leases=leases,
            keys=AccountKeys(
                wrapped_key_loader(pool), master_keys(settings), ttl_seconds=KEY_TTL_SECONDS
            ),
            objects=objects,
            providers=providers,
            live=Live(producer),
            executor=executor,
            retry_seconds=settings.worker_retry_seconds,
        )


async def free_gone(claims: Claims, held: Slot) -> None:
    """End the leases of those who held this slot before: their jobs need not wait for that."""
    try:
        freed = await claims.free(held.gone)
    except PixelpopError as error:
        _log.warning(
            "the claims of a worker that is gone wait for the end of their leases", error=error
        )
        return
    held.all_free()
    if freed:
        _log.info("claims of a worker that is gone are free", claims=freed)


@contextlib.asynccontextmanager
async def _objects(settings: Settings) -> AsyncIterator[ObjectStore]:
    if settings.objects == "s3":
        async with open_objects(settings) as objects:
            yield objects
    elif settings.embedded:
        yield MemoryObjects()
    else:
        raise SettingsError(
            "PIXELPOP_OBJECTS is memory, which loses every picture; it is for benchmarks on "
            "embedded servers only."
        )


async def _keep_time(clock: BrokerClock, producer: LogProducer) -> None:
    while True:
        await asyncio.sleep(CLOCK_SECONDS)
        try:
            await clock.prime(producer, LIVE)
        except PixelpopError as error:
            _log.warning("the broker's time could not be asked for", error=error)
