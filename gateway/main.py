"""Wires the gateway process: `pixelpop gateway`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import structlog

from events.topics import EVENTS, LIVE
from gateway.access.acts import Acts
from gateway.account.erasure import Erasure
from gateway.account.exporting import Exporter
from gateway.app import create_app
from gateway.deps import Deps
from gateway.generations.downloads import Downloads
from gateway.generations.models import offer_of
from gateway.generations.presigned import Presigned
from gateway.generations.replay import KnownGenerations
from gateway.grants.gifts_told import Gifts
from gateway.grants.keeping import keep
from gateway.grants.referrals import Referrals
from gateway.identity.parts import identity
from gateway.identity.signed_in import Authenticator
from gateway.limits.in_flight import InFlight
from gateway.limits.quotas import Limits
from gateway.live.changes import AccessChanged, Change
from gateway.live.consistency import Consistency
from gateway.live.hub import Hub
from gateway.live.log_reads import event_reader
from gateway.live.tail import Tail
from gateway.live.tail_reader import TailReader
from gateway.live.waiting_line import WaitingLine
from gateway.money.opening import StripeDesk
from gateway.money.payments import Payments
from gateway.money.spending import Spending, ceilings_of
from gateway.money.stars import ways_of
from gateway.money.told import PaymentsTold
from gateway.operations.drawers import Drawers
from gateway.operations.readiness import Readiness, checks
from gateway.providers.telling import Telling
from gateway.server import HttpServer
from gateway.sharing.photos import Photos
from gateway.telegram.name import BotName
from gateway.telegram.receiving import Telegram
from gateway.uploads.receiving import Receiving
from runtime import process
from runtime.errors import PixelpopError, SettingsError
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.objects import ObjectStore, open_objects
from runtime.ports import free_port
from runtime.postgres.pool import Pool, assert_least_privilege, open_pool
from runtime.settings import Settings
from runtime.telegram.api import open_bot
from runtime.telegram.configured import has_bot
from runtime.telemetry import metrics

if TYPE_CHECKING:
    from gateway.limits.shared import SharedLimits

_log = structlog.get_logger(__name__)

CLOCK_SECONDS: Final = 30.0
"""How often the broker's time is asked for; a machine that slept must not act on an old time."""


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then let what is under way finish.

    Raises:
        StartError: settings, database role or port cannot be used.
    """
    async with running_parts(settings) as deps:
        port = settings.port or free_port()
        server = HttpServer(create_app(deps), settings, port)
        await server.start()
        metrics.name_process("gateway", settings.slot)
        process.ready(settings, port)
        _log.info("gateway ready", host=settings.host, port=port)
        ended = asyncio.create_task(server.wait())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not stop.is_set():
                raise ServerEnded("The HTTP server ended by itself.")
        finally:
            stopping.cancel()
            deps.hub.close()
            await server.stop()
            ended.cancel()


class ServerEnded(PixelpopError):
    """The HTTP server stopped without being asked to."""

    code = "server-ended"
    retryable = True


@asynccontextmanager
async def running_parts(settings: Settings) -> AsyncIterator[Deps]:
    """Everything behind the HTTP server, running; stopped in reverse order at the end."""
    if settings.jwt_secret is None:
        raise SettingsError("JWT_SECRET is not set.")
    clock = BrokerClock()
    async with contextlib.AsyncExitStack() as stack:
        pool = await open_pool(settings, application_name=f"pixelpop gateway {settings.slot}")
        stack.push_async_callback(_close_pool, settings, pool)
        await assert_least_privilege(pool)
        objects = await stack.enter_async_context(open_objects(settings))
        producer = LogProducer(settings, clock=clock, role=f"gateway-{settings.slot}")
        await producer.start()
        stack.push_async_callback(producer.stop)
        await clock.prime(producer, LIVE)
        await producer.partitions(EVENTS)
        shared = None
        if settings.redis_url is not None:
            from gateway.limits.shared import SharedLimits  # its client is slow to load

            shared = SharedLimits(settings.redis_url, settings.redis_timeout_seconds)
            stack.push_async_callback(shared.close)
        deps = _wire(settings, pool, producer, objects, clock, settings.jwt_secret, shared)
        stack.push_async_callback(deps.oidc.close)
        stack.push_async_callback(deps.stripe.stop)
        if deps.bot is not None:
            stack.push_async_callback(deps.bot.stop)
        stack.callback(deps.photos.close)
        stack.callback(deps.uploads.close)
        stack.push_async_callback(deps.consistency.stop)
        deps.tail_reader.start()
        stack.push_async_callback(deps.tail_reader.stop)
        deps.exporter.start()
        stack.push_async_callback(deps.exporter.stop)
        keeping = asyncio.create_task(_keep_time(clock, producer))
        stack.callback(keeping.cancel)
        looking = asyncio.create_task(Drawers(pool, deps.offer).keep_looking())
        stack.callback(looking.cancel)
        telling = asyncio.create_task(deps.acts.keep_telling())
        stack.callback(telling.cancel)
        turns = {
            "referrals": Referrals(settings, pool, producer).turn,
            "gifts": Gifts(pool, producer).turn,
        }
        keeping_grants = asyncio.create_task(keep(turns, settings.grants_poll_seconds))
        stack.callback(keeping_grants.cancel)
        yield deps


def _wire(
    settings: Settings,
    pool: Pool,
    producer: LogProducer,
    objects: ObjectStore,
    clock: BrokerClock,
    jwt_secret: str,
    shared: SharedLimits | None,
) -> Deps:
    who = identity(settings, pool, producer, clock, jwt_secret)
    stripe = StripeDesk(settings, pool, who.keys, who.masters, producer)
    photos = Photos(objects, settings.share_photos_bytes)
    hub, line, tail = _watch(settings, clock, who.authenticator, photos)
    tail_reader = TailReader(settings, clock, tail, hub)
    bot = open_bot(settings) if has_bot(settings) else None
    deps = Deps(
        settings=settings,
        log=producer,
        clock=clock,
        pool=pool,
        **who._asdict(),
        acts=Acts(pool, producer, who.keys, clock, untold_seconds=settings.untold_acts_seconds),
        erasure=Erasure(pool),
        exporter=Exporter(settings, pool, objects, who.keys),
        tail=tail,
        tail_reader=tail_reader,
        line=line,
        hub=hub,
        limits=Limits(settings, shared=shared),
        accounts_in_flight=InFlight("account-at-once", settings.limit_account_in_flight),
        known=KnownGenerations(pool),
        consistency=Consistency(pool, settings.consistency_wait_seconds),
        presigned=Presigned(objects, settings.presign_ttl_seconds, cdn_url=settings.cdn_url),
        downloads=Downloads(),
        read_event=event_reader(settings),
        offer=offer_of(settings),
        spending=Spending(pool, clock.now_ms, ceilings_of(settings)),
        payments=Payments(settings, (*ways_of(settings, bot, pool), *stripe.ways)),
        payments_told=PaymentsTold(pool),
        stripe=stripe,
        telling=Telling(settings, pool, who.masters),
        telegram=Telegram(settings, pool, producer),
        bot=bot,
        bot_name=BotName(bot if settings.public_url else None),
        photos=photos,
        uploads=Receiving(settings, pool, objects, producer, clock),
        readiness=Readiness(checks(producer, clock, pool, objects, tail_reader)),
    )
    deps.telegram.hands.attach(deps)
    return deps


def _watch(
    settings: Settings, clock: BrokerClock, authenticator: Authenticator, photos: Photos
) -> tuple[Hub, WaitingLine, Tail]:
    """What is told of the end of the log, and what remembers it."""
    hub = Hub(
        settings.tail_changes_max,
        settings.streams_max,
        settings.streams_per_account_max,
        settings.stream_queue_max,
    )
    slots = min(settings.worker_jobs, settings.jobs_in_flight_max)
    line = WaitingLine(slots, clock.now_ms, threads=settings.worker_image_threads)

    def changed(partition: int, offset: int, at_ms: int, change: Change) -> None:
        line.take(partition, offset, at_ms, change)
        hub.publish(partition, offset, at_ms, change)

    def erased(account_id: str) -> None:
        authenticator.erased(account_id)
        photos.forget(account_id)

    def access_changed(change: AccessChanged) -> None:
        authenticator.forget(change.account_id)
        if change.less:
            hub.cut(change.account_id)

    tail = Tail(
        settings.tail_generations_max,
        on_change=changed,
        on_erased=erased,
        on_access=access_changed,
    )
    return hub, line, tail


async def _keep_time(clock: BrokerClock, producer: LogProducer) -> None:
    while True:
        await asyncio.sleep(CLOCK_SECONDS)
        try:
            await clock.prime(producer, LIVE)
        except PixelpopError as error:
            _log.warning("the broker's time was not learned", error=str(error))


async def _close_pool(settings: Settings, pool: Pool) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(settings.database_connect_timeout_seconds):
            await pool.close()
