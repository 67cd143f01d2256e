"""A Kafka client whose answers the test gives, for what no real broker does on demand."""
# ruff: noqa: ARG002  (a fake takes what the real one takes)

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from aiokafka.structs import RecordMetadata, TopicPartition

from runtime.kafka.lane import Lane
from runtime.kafka.records import Outgoing, Position
from runtime.kafka.submissions import Submission

TOPIC = "facts"


class Builder:
    """A batch of at most `limit` records."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.values: list[bytes] = []

    def append(self, *, timestamp: int, key: bytes, value: bytes, headers: list[Any]) -> object:
        assert isinstance(headers, list)  # aiokafka's compiled builder takes nothing else
        if not isinstance(value, bytes):
            raise TypeError(value)
        if len(self.values) >= self.limit:
            return None
        self.values.append(value)
        return object()

    def close(self) -> None:
        pass


class Sent(NamedTuple):
    """A batch that the client was handed."""

    values: list[bytes]
    future: asyncio.Future[RecordMetadata]

    def ack(self, base: int, at_ms: int = 1_000) -> None:
        tp = TopicPartition(TOPIC, 0)
        self.future.set_result(RecordMetadata(TOPIC, 0, tp, base, at_ms, 1, 0))


class FakeClient:
    """Stands for `Client` and its `AIOKafkaProducer`."""

    def __init__(self, limit: int, take: Callable[[], None]) -> None:
        self.producer = self
        self.batches = 0
        self.sent: list[Sent] = []
        self._limit = limit
        self._take = take

    def create_batch(self) -> Builder:
        return Builder(self._limit)

    async def send_batch(
        self, builder: Builder, topic: str, *, partition: int
    ) -> asyncio.Future[RecordMetadata]:
        self._take()
        one = Sent(builder.values, asyncio.get_running_loop().create_future())
        self.sent.append(one)
        return one.future


class FakeClients:
    """Stands for `Clients`: one after another."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.errors: list[Exception] = []
        self.all = [self._new()]

    def _new(self) -> FakeClient:
        return FakeClient(self._limit, self._take)

    def _take(self) -> None:
        if self.errors:
            raise self.errors.pop(0)

    async def current(self) -> FakeClient:
        return self.all[-1]

    def took(self, client: FakeClient) -> None:
        client.batches += 1

    def settled(self, client: FakeClient) -> None:
        client.batches -= 1

    def retire(self, client: FakeClient, reason: str) -> None:
        if client is self.all[-1]:
            self.all.append(self._new())


class Bench:
    """A lane on fake clients.

    Args:
        limit: records per batch.
    """

    def __init__(self, limit: int = 10, *, timeout_seconds: float = 60.0) -> None:
        self.clients = FakeClients(limit)
        self.released: list[Submission] = []
        self._timeout_seconds = timeout_seconds
        self.lane = Lane(
            TOPIC,
            0,
            self.clients,  # type: ignore[arg-type]  # a fake
            batch_bytes=limit,
            release=self.released.append,
            observe=lambda _at, _sent: None,
        )

    def submit(self, *values: bytes) -> asyncio.Future[list[Position]]:
        """Append `values` as one call; each counts as one byte."""
        loop = asyncio.get_running_loop()
        records: Sequence[Outgoing] = [Outgoing(b"k", value) for value in values]
        deadline = loop.time() + self._timeout_seconds
        submission = Submission(records, len(records), deadline, loop.create_future())
        self.lane.submit(submission)
        return submission.future

    @property
    def sent(self) -> list[list[bytes]]:
        """The values of every batch that any client was handed."""
        return [one.values for client in self.clients.all for one in client.sent]

    def batch(self, client: int, index: int) -> Sent:
        return self.clients.all[client].sent[index]


async def turns(count: int = 20) -> None:
    """Let everything that is ready run."""
    for _ in range(count):
        await asyncio.sleep(0)
