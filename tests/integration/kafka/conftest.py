"""A topic of the test's own, producers on it, and a broker that a test may pause."""

from __future__ import annotations

import contextlib
import os
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import psutil
import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from runtime.embedded.server import EmbeddedServer
from runtime.embedded.servers import EmbeddedServers
from runtime.kafka.connect import client_options
from runtime.kafka.consumer import PartitionReader, end_offsets
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing
from runtime.kafka.topics import TopicSpec, ensure_topics
from runtime.settings import Settings
from runtime.waiting import until

PARTITIONS = 4
MakeProducer = Callable[..., Awaitable[LogProducer]]


def record(value: bytes, key: bytes = b"key") -> Outgoing:
    return Outgoing(key, value, (("ce_id", b"1"), ("ce_type", b"tested")))


async def make_topic(settings: Settings, **spec: Any) -> str:
    name = f"test.{uuid.uuid4().hex}"
    fields = {"retention_ms": None, "partitions": PARTITIONS} | spec
    await ensure_topics(settings, [TopicSpec(name=name, **fields)])
    return name


async def values_in(settings: Settings, topic: str, partition: int = 0) -> list[bytes | None]:
    """Everything in a partition, in order."""
    end = (await end_offsets(settings, [(topic, partition)]))[TopicPartition(topic, partition)]
    reader = PartitionReader(settings, {(topic, partition): 0}, name="all")
    await reader.start()
    found: list[bytes | None] = []
    try:
        while (reader.position(topic, partition) or 0) < end:
            for records in (await reader.get()).values():
                found += [one.value for one in records]
    finally:
        await reader.stop()
    return found


async def delete_before(settings: Settings, topic: str, partition: int, offset: int) -> None:
    """Delete the records below `offset`, as retention does."""
    admin = AIOKafkaAdminClient(**client_options(settings, role="test"))
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(offset)})
    finally:
        await admin.close()


@pytest_asyncio.fixture(loop_scope="session")
async def topic(servers: Settings) -> str:
    """A new topic of four partitions."""
    return await make_topic(servers)


@pytest_asyncio.fixture(loop_scope="session")
async def make_producer(servers: Settings) -> AsyncIterator[MakeProducer]:
    """Start producers with other settings; all are stopped after the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(settings: Settings = servers, **changes: Any) -> LogProducer:
            producer = LogProducer(msgspec.structs.replace(settings, **changes))
            await producer.start()
            stack.push_async_callback(producer.stop)
            return producer

        yield make


class PausableBroker:
    """A broker of our own, which may be stopped in the middle of anything."""

    def __init__(self, settings: Settings, server: EmbeddedServer) -> None:
        self.settings = settings
        self._server = server

    @contextlib.asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Stop the broker's process; it goes on at the end."""
        pid = self._pid()
        process = psutil.Process(pid)
        os.kill(pid, signal.SIGSTOP)
        try:
            # On a busy machine the signal takes a while, in which the broker still answers.
            await until(lambda: process.status() == psutil.STATUS_STOPPED, 10, 0.001)
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    async def kill_and_restart(self) -> None:
        """Kill the broker's process and start it again on what it left on the disk."""
        os.kill(self._pid(), signal.SIGKILL)
        await self._server.wait()
        await self._server.start()

    def _pid(self) -> int:
        pid = self._server.pid
        assert pid is not None, "the broker runs"
        return pid


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PausableBroker]:
    """An embedded Kafka beside the session's, with short time limits."""
    servers = EmbeddedServers(
        Settings(
            data_dir=tmp_path_factory.mktemp("pausable"),
            kafka_replication=1,
            kafka_append_timeout_seconds=0.5,
            kafka_request_timeout_seconds=0.7,
            database_url="postgresql://nobody@127.0.0.1:1/none",
            s3_endpoint_url="http://127.0.0.1:1",
        )
    )
    try:
        settings = await servers.start()
        yield PausableBroker(settings, servers.running["kafka"])
    finally:
        await servers.stop()
