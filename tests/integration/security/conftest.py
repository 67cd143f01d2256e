"""One whole Pixelpop for all proofs, with somebody to rob and somebody who tries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest_asyncio

from runtime.settings import Settings
from tests import servers as test_servers
from tests.integration.gateway.test_resources import made, rich
from tests.integration.gateway.world import World, running
from tests.integration.security import robbery
from tests.integration.security.robbery import Victim
from tests.integration.security.telling import undone


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def world(servers: Settings, template_url: str) -> AsyncIterator[World]:
    """Gateway, decider and projector over a database of their own."""
    assert servers.database_url is not None
    database = await test_servers.fresh_database(servers.database_url)
    async with running(servers, database, stream_heartbeat_seconds=0.5) as one:
        yield one
    await test_servers.drop_database(servers.database_url, database)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(world: World) -> AsyncIterator[asyncpg.Connection]:
    """Inside a transaction that never ends well, so that nobody else sees what is tried."""
    connection = await asyncpg.connect(world.database.owner_url, statement_cache_size=0)
    async with undone(connection):
        yield connection
    await connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def victim(world: World, owner: asyncpg.Connection) -> Victim:
    """Somebody with something in every table there is."""
    person = await world.person()
    await rich(person)
    await made(world, person, prompt="my most private wish", count=2)
    cancelled = (await person.ask(prompt="never mind")).json()["id"]
    assert (await person.post(f"/generations/{cancelled}/cancel")).status_code in {200, 202}
    endpoint = await person.post(
        "/webhooks", json={"url": "https://example.com/private-address-of-mine"}
    )
    assert endpoint.status_code == 201, endpoint.text
    return await robbery.complete(owner, UUID(person.account_id))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def thief(world: World) -> UUID:
    return UUID((await world.person()).account_id)
