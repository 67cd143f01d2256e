"""Wires the process that tells API customers' servers: `pixelpop webhooks`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial

from events.topics import LIVE
from processors.outward.decisions import Decisions
from processors.outward.running import follow, in_slot
from processors.webhooks.deliveries import Deliveries
from processors.webhooks.planning import Planner
from processors.webhooks.sender import Pace, Sender
from runtime.crypto.keys import AccountKeys
from runtime.crypto.master import master_keys
from runtime.errors import SettingsError
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.outbound.addresses import AddressPolicy, networks_in
from runtime.outbound.client import GuardedClient
from runtime.postgres.account_keys import wrapped_key_loader
from runtime.postgres.pool import assert_least_privilege, open_pool
from runtime.settings import Settings

ROLE = "webhooks"
KEY_TTL_SECONDS = 30.0
"""How long an account's key is used without asking again whether the account still exists."""
DAY_SECONDS = 86_400
LIBRARIES = ("faust", "mode", "aiokafka", "httpcore", "filelock")
"""Kept to warnings at every level: `httpcore` would say customers' addresses and our signatures."""


def run(settings: Settings) -> int:
    """Tell what counts until asked to stop; returns the exit status.

    Raises:
        StartError: it cannot start as configured.
    """
    return in_slot(settings, ROLE, LIBRARIES, _run)


async def _run(settings: Settings) -> int:
    async with opened(settings) as (planner, sender):
        return await follow(
            settings,
            ROLE,
            settings.webhook_group,
            planner.perform,
            [partial(sender.run, sender.make)],
            sender.stop,
        )


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[tuple[Planner, Sender]]:
    """Connect to everything that telling needs; close it in the opposite order.

    Raises:
        StartError: something is not configured.
        PixelpopError: a server does not answer.
    """
    if settings.webhook_log_days <= settings.webhook_event_days:
        raise SettingsError(
            "PIXELPOP_WEBHOOK_LOG_DAYS must be more than PIXELPOP_WEBHOOK_EVENT_DAYS, or an event "
            "that is met again could be told twice."
        )
    networks = networks_in(settings.webhook_allowed_networks, "PIXELPOP_WEBHOOK_ALLOWED_NETWORKS")
    async with contextlib.AsyncExitStack() as stack:
        pool = await open_pool(settings, application_name=f"pixelpop {ROLE} {settings.slot}")
        stack.push_async_callback(pool.close)
        await assert_least_privilege(pool)
        clock = BrokerClock()
        producer = LogProducer(settings, clock=clock, role=ROLE)
        await producer.start()
        stack.push_async_callback(producer.stop)
        await clock.prime(producer, LIVE)
        keeping = asyncio.create_task(clock.keep(producer, LIVE))
        stack.callback(keeping.cancel)
        client = GuardedClient(AddressPolicy(networks))
        stack.push_async_callback(client.close)
        deliveries = Deliveries(pool)
        keys = AccountKeys(
            wrapped_key_loader(pool), master_keys(settings), ttl_seconds=KEY_TTL_SECONDS
        )
        sender = Sender(deliveries, keys, client, _pace(settings))
        planner = Planner(
            deliveries,
            Decisions(pool),
            producer,
            clock,
            max_age_seconds=settings.webhook_event_days * DAY_SECONDS,
            retry_seconds=settings.worker_retry_seconds,
            planned=sender.wake,
        )
        yield planner, sender


def _pace(settings: Settings) -> Pace:
    return Pace(
        sends=settings.webhook_sends,
        sends_per_endpoint=settings.webhook_sends_per_endpoint,
        timeout_seconds=settings.webhook_timeout_seconds,
        poll_seconds=settings.webhook_poll_seconds,
        keep_seconds=settings.webhook_log_days * DAY_SECONDS,
        retry_seconds=settings.worker_retry_seconds,
    )
