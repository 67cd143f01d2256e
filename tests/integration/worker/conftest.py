"""A desk that plays decider and customer, and settings of a quick worker.

All tests here share one database, one desk and one worker's connections: each makes accounts and
jobs of its own, and is a worker of its own to the claims.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest
import pytest_asyncio

from runtime.settings import Settings
from tests import servers as test_servers
from tests.integration.worker.bench import shared
from tests.integration.worker.desk import Desk
from tests.servers import Database


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def fresh_database(servers: Settings, template_url: str) -> AsyncIterator[Database]:
    """A migrated database of the tests here."""
    assert servers.database_url is not None
    database = await test_servers.fresh_database(servers.database_url)
    yield database
    await test_servers.drop_database(servers.database_url, database)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shared_desk(servers: Settings, fresh_database: Database) -> AsyncIterator[Desk]:
    """The one desk."""
    settings = msgspec.structs.replace(servers, database_url=fresh_database.owner_url)
    async with Desk(settings) as opened:
        yield opened


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shared_worker(servers: Settings, fresh_database: Database) -> AsyncIterator[None]:
    """What benches connect by, unless their settings are others."""
    settings = msgspec.structs.replace(servers, database_url=fresh_database.urls["worker"])
    async with shared(_quick(settings)):
        yield


@pytest.fixture
def group() -> str:
    """A consumer group that no other test uses: a static member outlives its process a while."""
    return f"test-{uuid.uuid4().hex}"


@pytest_asyncio.fixture(loop_scope="session")
async def desk(shared_desk: Desk, group: str) -> Desk:
    """Knows of nothing that was before this test."""
    await shared_desk.begin(group)
    return shared_desk


@pytest_asyncio.fixture(loop_scope="session")
async def from_here(desk: Desk) -> None:
    """The test's own group begins with the jobs that this test appends."""
    await desk.forget_backlog()


@pytest.fixture
def worker_settings(
    shared_worker: None, settings_for: Callable[[str], Settings], group: str
) -> Settings:
    """What a worker of this test gets."""
    return msgspec.structs.replace(_quick(settings_for("worker")), worker_group=group)


def _quick(settings: Settings) -> Settings:
    return msgspec.structs.replace(
        settings,
        local_latency_seconds=0.0,
        worker_commit_seconds=0.2,
        worker_lease_seconds=3.0,
        kafka_session_timeout_seconds=6.0,
    )
