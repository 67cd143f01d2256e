"""Wires the process that writes to people in the bot's chats: `pixelpop messages`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from typing import Any, NamedTuple

import structlog

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
from processors.outward.running import follow, in_slot
from runtime.errors import SettingsError
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.objects import ObjectStore, open_objects
from runtime.postgres.pool import assert_least_privilege, open_pool
from runtime.settings import Settings
from runtime.telegram.api import open_bot
from runtime.telegram.configured import has_bot

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
    return in_slot(settings, ROLE, LIBRARIES, _run)


async def _run(settings: Settings) -> int:
    async with opened(settings) as parts:
        working: list[Callable[[], Coroutine[Any, Any, None]]] = []
        if has_bot(settings):
            working = [partial(parts.sender.run, parts.deliverer.deliver), parts.expiries.run]
        return await follow(
            settings,
            ROLE,
            settings.messages_group,
            parts.planner.perform,
            working,
            parts.sender.stop,
        )


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
            lease_seconds=settings.messages_lease_seconds,
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
        lease_seconds=settings.messages_lease_seconds,
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
