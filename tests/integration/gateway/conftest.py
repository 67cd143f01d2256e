"""One whole Pixelpop for all tests of the gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from runtime.settings import Settings
from tests import servers as test_servers
from tests.integration.gateway.world import ADMIN, Person, World, running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(servers: Settings, template_url: str) -> AsyncIterator[World]:
    """Gateway, decider and projector over a database of their own."""
    assert servers.database_url is not None
    database = await test_servers.fresh_database(servers.database_url)
    async with running(
        servers, database, stream_heartbeat_seconds=0.5, admins=f"telegram:{ADMIN}"
    ) as one:
        yield one
    await test_servers.drop_database(servers.database_url, database)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def admin(world: World) -> Person:
    """Who is an admin by the settings."""
    return await world.person(telegram_id=ADMIN)


@pytest_asyncio.fixture(loop_scope="session")
async def person(world: World) -> Person:
    """Somebody new, with the welcome credits."""
    return await world.person()
