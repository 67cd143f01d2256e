"""A real decider, a writer of facts, and a reader that folds the log for itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from events.topics import LIVE
from processors.decider import main as decider
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.objects import MemoryObjects
from runtime.settings import Settings
from tests import servers as test_servers
from tests.integration.decider.log_writer import History, LogWriter

RunDecider = Callable[..., AbstractAsyncContextManager[None]]


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Settings]:
    """Servers of these tests alone: a decider owns a whole topic, and others have one too."""
    folder: Path = tmp_path_factory.mktemp("decider")
    async with test_servers.running(folder) as settings:
        await test_servers.prepare(settings)
        yield settings


@pytest_asyncio.fixture(loop_scope="session")
async def writer(servers: Settings) -> AsyncIterator[LogWriter]:
    clock = BrokerClock()
    producer = LogProducer(servers, clock=clock, role="test")
    await producer.start()
    await clock.prime(producer, LIVE)
    yield LogWriter(servers, producer, clock)
    await producer.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def history(servers: Settings) -> AsyncIterator[History]:
    async with History(servers) as reading:
        yield reading


@pytest.fixture
def run_decider(servers: Settings) -> RunDecider:
    """Run deciders by slot; each is stopped in order at the end of its block."""
    objects = MemoryObjects()

    @asynccontextmanager
    async def running(slot: str = "1", **options: object) -> AsyncIterator[None]:
        settings = msgspec.structs.replace(servers, slot=slot)
        stop = asyncio.Event()
        store = options.pop("objects", objects)
        task = asyncio.create_task(decider.run(settings, stop, objects=store, **options))  # type: ignore[arg-type]  # options
        try:
            yield
        finally:
            stop.set()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    return running
