"""One whole Pixelpop with an eraser, for all tests of accounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from processors.eraser import following
from processors.eraser import main as eraser
from runtime.objects import open_objects
from runtime.settings import Settings
from tests import servers as test_servers
from tests.integration.gateway.world import Person, World, running

SWEEP_AGAIN_SECONDS = 2.0
PART_BYTES = 100_000
OFTEN_SECONDS = 0.5


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def world(servers: Settings, template_url: str) -> AsyncIterator[World]:
    """Gateway, decider, projector and eraser over a database of their own."""
    assert servers.database_url is not None
    patches = pytest.MonkeyPatch()
    patches.setattr(following, "LOOK_SECONDS", OFTEN_SECONDS)
    patches.setattr(eraser, "HOURLY_SECONDS", OFTEN_SECONDS)
    database = await test_servers.fresh_database(servers.database_url)
    async with (
        running(servers, database, export_part_bytes=PART_BYTES) as one,
        open_objects(servers) as objects,
    ):
        settings = msgspec.structs.replace(
            servers,
            database_url=database.urls["eraser"],
            slot=f"world-{one.port}",
            erasure_sweep_again_seconds=SWEEP_AGAIN_SECONDS,
        )
        stop = asyncio.Event()
        task = asyncio.create_task(eraser.run(settings, stop, objects=objects))
        yield one
        stop.set()
        await task
    patches.undo()
    await test_servers.drop_database(servers.database_url, database)


@pytest_asyncio.fixture(loop_scope="session")
async def person(world: World) -> Person:
    """Somebody new, with the welcome credits."""
    return await world.person()
