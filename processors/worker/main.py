"""Wires the worker process: `pixelpop worker`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

import structlog
import uvloop

from commands.supplies import Supply
from events.topics import EVENTS, JOBS, LIVE
from processors.moderation import open_moderation
from processors.pictures.credentials import open_signer
from processors.providers import open_providers
from processors.providers.limits import supplies_of
from processors.worker import slot
from processors.worker.agent import attach
from processors.worker.app import make_app
from processors.worker.ceiling import Ceiling
from processors.worker.choices import Choices
from processors.worker.claims import Claims
from processors.worker.crowd import Crowd
from processors.worker.gaps import open_gaps
from processors.worker.gates import Gates
from processors.worker.intake import Intake
from processors.worker.jobs import Jobs
from processors.worker.leases import Leases
from processors.worker.live import Live
from processors.worker.news import ProviderNews
from processors.worker.request import provider_of
from processors.worker.rooms import Rooms
from processors.worker.running import until_stopped
from processors.worker.slot import Slot
from processors.worker.tools import Tools
from processors.worker.watchdog import Watchdog
from processors.worker.work import share_of, work_of
from runtime import process
from runtime.crypto.keys import AccountKeys
from runtime.crypto.master import master_keys
from runtime.errors import PixelpopError, SettingsError
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.objects import MemoryObjects, ObjectStore, open_objects
from runtime.postgres.account_keys import wrapped_key_loader
from runtime.postgres.pool import Pool, assert_least_privilege, open_pool
from runtime.settings import Settings
from runtime.telemetry import metrics as telemetry

_log = structlog.get_logger(__name__)

KEY_TTL_SECONDS = 30.0
"""How long an account's key is used without asking again whether the account still exists."""
LIBRARIES = (
    *("faust", "mode", "aiokafka", "openai", "httpx2", "httpcore2", "httpcore", "filelock"),
    *("aiobotocore", "botocore", "diffusers", "transformers"),
)
"""Kept to warnings at every level: what they say of a healthy worker, our own lines say better,
and `openai` and `botocore` would say prompts."""


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
    async with (
        opened(settings, held.holder) as tools,
        open_gaps(settings, settings.worker_group) as gaps,
        tools.ceiling.kept(held.gone),
        tools.rooms.kept(held.gone),
    ):
        await free_gone(tools.claims, held)
        jobs = Jobs(tools)
        intake = Intake(
            work_of,
            jobs.perform,
            gaps.check,
            jobs_max=settings.worker_jobs,
            window_max=settings.worker_window_records,
            room=tools.ceiling,
            share_of=share_of,
            lanes=tools.gates.narrow(settings.worker_jobs),
            lane_of=partial(provider_of, tools.providers),
        )
        app = make_app(settings, settings.worker_group)
        attach(app, intake, JOBS, "generations")
        door = telemetry.serve("127.0.0.1", settings.metrics_port)
        try:
            with Watchdog(app, intake, stuck_seconds=settings.worker_stuck_seconds):
                return await until_stopped(settings, app, intake, stop, door.port)
        finally:
            door.stop()


@contextlib.asynccontextmanager
async def opened(settings: Settings, holder: UUID) -> AsyncIterator[Tools]:
    """Connect to everything that jobs use, as this process; close it in the opposite order.

    Raises:
        StartError: something is not configured.
        PixelpopError: a server does not answer.
    """
    async with contextlib.AsyncExitStack() as stack:
        signer = open_signer(settings)
        supplies = supplies_of(settings)
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
        masters = master_keys(settings)
        news = ProviderNews(settings, pool, masters)
        stack.push_async_callback(news.stop)
        providers = open_providers(settings, executor, news)
        for provider in providers.values():
            stack.push_async_callback(provider.close)
        moderator = open_moderation(settings, executor)
        stack.push_async_callback(moderator.close)
        claims = Claims(pool, holder=holder, lease_seconds=settings.worker_lease_seconds)
        leases = Leases(claims, lease_seconds=settings.worker_lease_seconds)
        leases.start()
        stack.push_async_callback(leases.stop)
        keeping = asyncio.create_task(clock.keep(producer, LIVE))
        stack.callback(keeping.cancel)
        keys = AccountKeys(wrapped_key_loader(pool), masters, ttl_seconds=KEY_TTL_SECONDS)
        ceiling, rooms = _shares(settings, pool, holder, [supplies[one] for one in providers])
        yield Tools(
            ceiling=ceiling,
            producer=producer,
            clock=clock,
            claims=claims,
            leases=leases,
            keys=keys,
            objects=objects,
            providers=providers,
            rooms=rooms,
            gates=Gates(supplies, rooms=rooms, pool=pool),
            live=Live(producer, keys, executor),
            executor=executor,
            moderator=moderator,
            previews=settings.previews,
            crowd=Crowd(settings.worker_image_threads),
            signer=signer,
            choices=Choices(pool),
            retry_seconds=settings.worker_retry_seconds,
        )


def _shares(
    settings: Settings, pool: Pool, holder: UUID, supplies: Sequence[Supply]
) -> tuple[Ceiling, Rooms]:
    """What this worker may do beside the others."""
    ceiling = Ceiling(
        pool,
        holder=holder,
        ceiling=settings.jobs_in_flight_max,
        jobs_max=settings.worker_jobs,
        lease_seconds=settings.worker_lease_seconds,
    )
    rooms = Rooms(
        pool,
        holder=holder,
        supplies=supplies,
        jobs_max=settings.worker_jobs,
        lease_seconds=settings.worker_lease_seconds,
    )
    return ceiling, rooms


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
