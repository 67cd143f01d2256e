"""One whole Pixelpop for all proofs, with somebody to rob and somebody who tries."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from runtime.settings import Settings
from tests import servers as test_servers
from tests.integration.gateway.world import World, running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(servers: Settings, template_url: str) -> AsyncIterator[World]:
    """Gateway, decider and projector over a database of their own."""
    assert servers.database_url is not None
    database = await test_servers.fresh_database(servers.database_url)
    async with running(servers, database, stream_heartbeat_seconds=0.5) as one:
        yield one
    await test_servers.drop_database(servers.database_url, database)
