"""Fixtures for everybody: the session's servers, its settings, and what a test needs of its own.

Isolation: servers and topics are shared by the whole session. A test takes a new account id for
whatever it does in the log, and a `fresh_database` where it looks at whole tables.
"""

from __future__ import annotations

import gc
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from xdist.remote import Producer

from runtime.settings import Settings
from tests import servers as test_servers
from tests.scheduling import ByFolder
from tests.servers import Database


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFolder:
    """Tests that share what takes long to start stay together when several processes run tests."""
    return ByFolder(config, log)


def pytest_collection_finish() -> None:
    """What is loaded now stays to the end: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Settings]:
    """Settings that name the session's Kafka (with topics), PostgreSQL (as owner), S3 (bucket)."""
    folder: Path = tmp_path_factory.mktemp("servers")
    async with test_servers.running(folder) as settings:
        await test_servers.prepare(settings)
        yield settings


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template_url(servers: Settings) -> str:
    """The migrated database that tests copy."""
    assert servers.database_url is not None
    return await test_servers.migrate_template(servers.database_url)


@pytest_asyncio.fixture(loop_scope="session")
async def fresh_database(servers: Settings, template_url: str) -> AsyncIterator[Database]:
    """A migrated, empty database of this test alone."""
    assert servers.database_url is not None
    database = await test_servers.fresh_database(servers.database_url)
    yield database
    await test_servers.drop_database(servers.database_url, database)


@pytest.fixture
def settings(servers: Settings, fresh_database: Database) -> Settings:
    """The session's servers with this test's own database, connected as its owner."""
    return msgspec.structs.replace(servers, database_url=fresh_database.owner_url)


@pytest.fixture
def settings_for(settings: Settings, fresh_database: Database) -> Callable[[str], Settings]:
    """Settings as the process of that name (`gateway`, …) gets them, with its own login."""

    def of(process: str) -> Settings:
        return msgspec.structs.replace(settings, database_url=fresh_database.urls[process])

    return of


@pytest.fixture
def account_id() -> uuid.UUID:
    """An account that no other test uses."""
    return uuid.uuid4()
