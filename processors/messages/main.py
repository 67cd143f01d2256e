"""Wires the process that writes to people in the bot's chats: `pixelpop messages`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import NamedTuple

import structlog
import uvloop

from events.topics import EVENTS, LIVE
from processors.messages.delivering import Bot, Deliverer
from processors.messages.expiries import Expiries
from processors.messages.facts import Facts
from processors.messages.outbox import Outbox
from processors.messages.planning import Age, Planner
from processors.messages.preparing import Preparer
from processors.messages.sender import Pace, Sender
from processors.messages.unreachable import Unreachable
from processors.outward.decisions import Decisions
from processors.outward.planning import Told
from processors.worker import slot
from processors.worker.agent import attach
from processors.worker.app import make_app
from processors.worker.gaps import open_gaps
from processors.worker.intake import Intake
from processors.worker.running import until_stopped
from processors.worker.watchdog import Watchdog
from runtime import process
from runtime.errors import SettingsError
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.objects import ObjectStore, open_objects
from runtime.postgres.pool import assert_least_privilege, open_pool
from runtime.settings import Settings
from runtime.telegram.api import open_bot
from runtime.telegram.configured import has_bot
from runtime.telemetry import metrics as telemetry

_log = structlog.get_logger(__name__)

ROLE = "messages"
HOUR_SECONDS = 3_600
DAY_SECONDS = 86_400
NEVER_MS = 253_402_300_799_999
"""From when on things are told where there is no bot."""
LIBRARIES = ("faust", "mode", "aiokafka", "aiohttp", "aiogram", "aiobotocore", "filelock")
"""Kept to warnings at every level: they would say the addresses of calls, which hold the token."""


class Parts(NamedTuple):
    """What runs."""

    planner: Planner
    sender: Sender
    deliverer: Deliverer
    expiries: Expiries


def run(settings: Settings) -> int:
    """Write to people until asked to stop; returns the exit status.

    Raises:
        StartError: it cannot start as configured.
    """
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    with (
        slot.hold(settings, ROLE),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(_run(settings))


async def _run(settings: Settings) -> int:
    stop = asyncio.Event()
    process.handle_signals(stop)
    async with (
        opened(settings) as parts,
        open_gaps(settings, settings.messages_group) as gaps,
    ):
        intake = Intake(
            Told,
            parts.planner.perform,
            gaps.check,
            jobs_max=settings.worker_jobs,
            window_max=settings.worker_window_records,
        )
        app = make_app(settings, settings.messages_group, role=ROLE)
        attach(app, intake, EVENTS, ROLE)
        door = telemetry.serve("127.0.0.1", settings.metrics_port)
        working: set[asyncio.Task[None]] = set()
        if has_bot(settings):
            sending = parts.sender.run(parts.deliverer.deliver)
            working.add(asyncio.create_task(sending, name="sender"))
            working.add(asyncio.create_task(parts.expiries.run(), name="expiries"))
        for task in working:
            task.add_done_callback(lambda _: stop.set())
        try:
            with Watchdog(app, intake, stuck_seconds=settings.worker_stuck_seconds):
                status = await until_stopped(settings, app, intake, stop, door.port)
            return process.EXIT_CRASH if any(_failed(task) for task in working) else status
        finally:
            await parts.sender.stop()
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            door.stop()


def _failed(task: asyncio.Task[None]) -> bool:
    """Whether this ended by itself, which it never should."""
    if not task.done():
        return False
    _log.error("a part ended by itself", part=task.get_name(), exc_info=task.exception())
    return True


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Parts]:
    """Connect to everything that telling needs; close it in the opposite order.

    Raises:
        StartError: something is not configured.
        PixelpopError: a server does not answer.
    """
    event_seconds = settings.messages_event_hours * HOUR_SECONDS
    expiry_seconds = settings.messages_expiry_hours * HOUR_SECONDS
    if settings.messages_log_days * DAY_SECONDS <= max(event_seconds, expiry_seconds) + DAY_SECONDS:
        raise SettingsError(
            "PIXELPOP_MESSAGES_LOG_DAYS must be at least a day more than "
            "PIXELPOP_MESSAGES_EVENT_HOURS and PIXELPOP_MESSAGES_EXPIRY_HOURS, or a person could "
            "be told twice."
        )
    async with contextlib.AsyncExitStack() as stack:
        pool = await open_pool(settings, application_name=f"pixelpop {ROLE} {settings.slot}")
        stack.push_async_callback(pool.close)
        await assert_least_privilege(pool)
        clock = BrokerClock()
        producer = LogProducer(settings, clock=clock, role=ROLE)
        await producer.start()
        stack.push_async_callback(producer.stop)
        await clock.prime(producer, LIVE)
        await producer.partitions(EVENTS)
        keeping = asyncio.create_task(clock.keep(producer, LIVE))
        stack.callback(keeping.cancel)
        objects = await stack.enter_async_context(open_objects(settings))
        bot = open_bot(settings)
        stack.push_async_callback(bot.stop)
        outbox = Outbox(pool, seconds_per_call=1 / settings.messages_per_second)
        from_ms = await outbox.began_ms() if has_bot(settings) else NEVER_MS
        if from_ms == NEVER_MS:
            _log.warning("there is no bot (TELEGRAM_BOT_TOKEN): nobody is told anything in chats")
        age = Age(clock, max_seconds=event_seconds, from_ms=from_ms)
        yield wired(
            settings, Facts(pool), Decisions(pool), outbox, objects, bot, producer, clock, age
        )


def wired(
    settings: Settings,
    facts: Facts,
    decisions: Decisions,
    outbox: Outbox,
    objects: ObjectStore,
    bot: Bot,
    producer: LogProducer,
    clock: BrokerClock,
    age: Age,
) -> Parts:
    """The parts, over what is connected."""
    sender = Sender(
        outbox,
        Pace(
            sends=settings.messages_sends,
            poll_seconds=settings.messages_poll_seconds,
            keep_seconds=settings.messages_log_days * DAY_SECONDS,
        ),
    )
    planner = Planner(
        outbox,
        facts,
        decisions,
        producer,
        clock,
        age,
        retry_seconds=settings.worker_retry_seconds,
        planned=sender.wake,
    )
    deliverer = Deliverer(
        outbox,
        Preparer(facts, objects, clock, app_url=_app_url(settings)),
        bot,
        Unreachable(outbox, producer, clock),
        pause_seconds=settings.messages_per_chat_seconds,
        give_up_seconds=settings.messages_event_hours * HOUR_SECONDS,
        retry_seconds=settings.worker_retry_seconds,
        planned=sender.wake,
    )
    expiries = Expiries(
        facts,
        outbox,
        clock,
        hours=settings.messages_expiry_hours,
        look_seconds=settings.messages_expiry_look_seconds,
        planned=sender.wake,
    )
    return Parts(planner, sender, deliverer, expiries)


def _app_url(settings: Settings) -> str | None:
    """The MiniApp's address, where Telegram takes it: by https alone."""
    url = settings.public_url or ""
    return f"{url.rstrip('/')}/" if url.startswith("https://") else None
