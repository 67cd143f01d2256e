"""A yard of one test's own, and a receiver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest_asyncio

from runtime.settings import Settings
from tests import servers as test_servers
from tests.fakes.receiver import Receiver
from tests.integration.gateway.world import World, running
from tests.integration.webhooks.yard import Yard


@pytest_asyncio.fixture(loop_scope="session")
async def yard(settings: Settings, settings_for: Callable[[str], Settings]) -> AsyncIterator[Yard]:
    async with Yard(settings_for, settings) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as one:
        yield one


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def world(servers: Settings, template_url: str) -> AsyncIterator[World]:
    """Gateway, decider and projector over a database of their own; receivers may be local."""
    assert servers.database_url is not None
    database = await test_servers.fresh_database(servers.database_url)
    async with running(servers, database, webhook_allowed_networks="127.0.0.0/8") as one:
        yield one
    await test_servers.drop_database(servers.database_url, database)
