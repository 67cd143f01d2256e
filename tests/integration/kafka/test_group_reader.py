"""Members of a group share a topic, each from the offsets that its user says."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Mapping

import pytest

from runtime.kafka.consumer import CursorLost, GroupReader, TopicPartition
from runtime.kafka.group_reader import Partitions
from runtime.settings import Settings
from runtime.waiting import until
from tests.integration.kafka.conftest import PARTITIONS, MakeProducer, record


class Member:
    """A reader that keeps its cursors where the other members find them."""

    def __init__(
        self, settings: Settings, group: str, topic: str, cursors: dict[TopicPartition, int]
    ) -> None:
        self.cursors = cursors
        self.values: list[bytes] = []
        self.history: list[tuple[str, int]] = []
        self.reader = GroupReader(
            settings, group, [topic], on_assigned=self.on_assigned, on_revoked=self.on_revoked
        )
        self._task: asyncio.Task[None] | None = None

    async def on_assigned(self, partitions: Partitions) -> Mapping[TopicPartition, int]:
        self.history.append(("assigned", len(partitions)))
        return {tp: self.cursors.get(tp, 0) for tp in partitions}

    async def on_revoked(self, partitions: Partitions) -> None:
        self.history.append(("revoked", len(partitions)))

    async def start(self) -> None:
        await self.reader.start()
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for batch in self.reader.batches():
            for tp, records in batch.items():
                self.values += [one.value for one in records]
                self.cursors[tp] = records[-1].offset + 1

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.reader.stop()


@pytest.fixture
def group() -> str:
    return f"test.{uuid.uuid4().hex}"


async def test_start_offsets_are_honoured(
    servers: Settings, topic: str, group: str, make_producer: MakeProducer
):
    """A new member begins where its user says, not where the log begins or ends."""
    producer = await make_producer()
    for partition in range(PARTITIONS):
        batch = [record(b"%d %d" % (partition, number)) for number in range(5)]
        await producer.append_batch(topic, partition, batch)
    cursors = {TopicPartition(topic, partition): partition for partition in range(PARTITIONS)}
    member = Member(servers, group, topic, dict(cursors))
    await member.start()
    try:
        expected = {b"%d %d" % (p, n) for p in range(PARTITIONS) for n in range(p, 5)}
        await until(lambda: len(member.values) >= len(expected), 20)
        assert sorted(member.values) == sorted(expected)
        assert member.history == [("assigned", PARTITIONS)]
        assert member.reader.position(topic, 0) == 5
    finally:
        await member.stop()
    assert member.history[-1] == ("revoked", PARTITIONS)


async def test_members_hand_partitions_over(
    servers: Settings, topic: str, group: str, make_producer: MakeProducer
):
    """While members come and go every record is read once, by whoever has its partition."""
    producer = await make_producer()
    cursors: dict[TopicPartition, int] = {}
    first, second = (Member(servers, group, topic, cursors) for _ in range(2))
    written: list[bytes] = []

    async def write(name: bytes) -> None:
        for partition in range(PARTITIONS):
            value = b"%s %d" % (name, partition)
            written.append(value)
            await producer.append(topic, record(value), partition=partition)

    def all_read() -> bool:
        return len(first.values) + len(second.values) >= len(written)

    await first.start()
    try:
        await write(b"alone")
        await until(all_read, 20, what="the first member to read all")
        await second.start()
        await until(lambda: len(second.reader.assignment) == 2, 20, what="the second's share")
        await until(lambda: len(first.reader.assignment) == 2, 20, what="the first's share")
        await write(b"both")
        await until(all_read, 20, what="both to read all")
        assert len(second.values) == 2
        await first.stop()
        await write(b"second alone")
        await until(all_read, 20, what="the second to read all")
    finally:
        await first.stop()
        await second.stop()
    assert sorted(first.values + second.values) == sorted(written)
    assert ("revoked", PARTITIONS) in first.history


async def test_taking_over_is_cancelled_when_the_partitions_go(
    servers: Settings, topic: str, group: str
):
    """A slow `on_assigned` is cancelled by the next change, and `on_revoked` still follows it."""
    seen: list[str] = []
    blocked = asyncio.Event()

    async def slow(partitions: Partitions) -> Mapping[TopicPartition, int]:
        seen.append("assigned")
        if len(seen) == 1:
            try:
                await blocked.wait()
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise
        return dict.fromkeys(partitions, 0)

    async def revoked(partitions: Partitions) -> None:
        seen.append("revoked")

    reader = GroupReader(servers, group, [topic], on_assigned=slow, on_revoked=revoked)
    other = Member(servers, group, topic, {})
    await reader.start()
    try:
        await until(lambda: seen == ["assigned"], 20)
        await other.start()
        await until(lambda: len(seen) >= 4, 20)
        assert seen == ["assigned", "cancelled", "revoked", "assigned"]
    finally:
        await other.stop()
        await reader.stop()


async def test_a_start_outside_the_log_reaches_the_user(servers: Settings, topic: str, group: str):
    """A cursor that the log does not hold is raised by `get`, and nothing is read."""
    member = Member(servers, group, topic, {TopicPartition(topic, 1): 17})
    await member.reader.start()
    try:
        with pytest.raises(CursorLost) as lost:
            await until(lambda: member.reader.get(timeout_seconds=0.1), 20)
        assert (lost.value.partition, lost.value.offset) == (1, 17)
    finally:
        await member.stop()


async def test_a_failing_callback_reaches_the_user(servers: Settings, topic: str, group: str):
    """What `on_assigned` raises is raised by `get`; the group's client would only log it."""

    class Broken(Exception):
        pass

    async def broken(partitions: Partitions) -> Mapping[TopicPartition, int]:
        raise Broken

    async def revoked(partitions: Partitions) -> None:
        pass

    reader = GroupReader(servers, group, [topic], on_assigned=broken, on_revoked=revoked)
    await reader.start()
    try:
        with pytest.raises(Broken):
            await until(lambda: reader.get(timeout_seconds=0.1), 20)
    finally:
        await reader.stop()
