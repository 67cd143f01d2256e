"""A log of the test's own, projectors over it, and eyes for the tables."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from projections import main as projector
from runtime.kafka.producer import LogProducer
from runtime.kafka.topics import TopicSpec, ensure_topics
from runtime.postgres.pool import Pool, open_pool
from runtime.settings import Settings
from tests.integration.projector.log import TestLog
from tests.servers import Database

RunProjector = Callable[..., AbstractAsyncContextManager[None]]


@pytest_asyncio.fixture(loop_scope="session")
async def log(servers: Settings) -> AsyncIterator[TestLog]:
    """An event log of two partitions, shaped like the real one."""
    topic = f"test.events.{uuid.uuid4().hex}"
    await ensure_topics(servers, [TopicSpec(name=topic, retention_ms=None, partitions=2)])
    producer = LogProducer(servers, role="test")
    await producer.start()
    yield TestLog(servers, producer, topic)
    await producer.stop()


@pytest.fixture
def projector_settings(settings_for: Callable[[str], Settings]) -> Settings:
    return settings_for("projector")


@pytest_asyncio.fixture(loop_scope="session")
async def projector_pool(projector_settings: Settings) -> AsyncIterator[Pool]:
    pool = await open_pool(projector_settings, application_name="test projector")
    yield pool
    await pool.close()


@pytest_asyncio.fixture(loop_scope="session")
async def owner(fresh_database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's eyes: no row-level security."""
    connection = await asyncpg.connect(fresh_database.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
def run_projector(projector_settings: Settings, log: TestLog) -> RunProjector:
    """Run projectors by slot; each is stopped in order at the end of its block."""

    @asynccontextmanager
    async def running(slot: str = "1", **changes: object) -> AsyncIterator[None]:
        settings = msgspec.structs.replace(projector_settings, slot=slot, **changes)
        stop = asyncio.Event()
        task = asyncio.create_task(projector.run(settings, stop, topic=log.topic))
        body = asyncio.current_task()
        assert body is not None
        # A projector that ends by itself must not leave its test waiting.
        task.add_done_callback(lambda _: None if stop.is_set() else body.cancel())
        try:
            yield
        except asyncio.CancelledError:
            if not task.done():
                raise
            body.uncancel()
        finally:
            stop.set()
            await task

    return running
