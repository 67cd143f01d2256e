"""Appending and reading while the broker does not answer, and after it does again."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from runtime.kafka.consumer import PartitionReader
from runtime.kafka.errors import AppendUnknown, LogError, LogOverloaded
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Position
from runtime.settings import Settings
from runtime.waiting import until
from tests.integration.kafka.conftest import (
    MakeProducer,
    PausableBroker,
    make_topic,
    record,
    values_in,
)

RECOVERY_SECONDS = 30


async def test_outcomes_are_bounded_true_and_in_order(
    broker: PausableBroker, make_producer: MakeProducer
):
    """Sent: unknown, and in the log once afterwards. Not sent: never in the log. No reordering."""
    topic = await make_topic(broker.settings)
    producer = await make_producer(broker.settings)
    await producer.append(topic, record(b"before"), partition=0)
    async with broker.paused():
        sent = asyncio.gather(
            *(producer.append(topic, record(b"sent %d" % n), partition=0) for n in range(10)),
            return_exceptions=True,
        )
        await until(lambda: producer.stalled_seconds() > 0, 5, what="the batch to be under way")
        waiting = asyncio.gather(
            *(producer.append(topic, record(b"waiting %d" % n), partition=0) for n in range(10)),
            return_exceptions=True,
        )
        assert {type(answer) for answer in await sent} == {AppendUnknown}
        assert {type(answer) for answer in await waiting} == {LogOverloaded}
        # Longer than the request timeout: the client has given up the connection and tries again.
        await until(lambda: producer.stalled_seconds() > 2, 10, what="a retry to be under way")

    async def goes_on() -> Position | None:
        try:
            return await producer.append(topic, record(b"after"), partition=0)
        except LogOverloaded:  # not sent, so it may be tried again
            return None

    await until(goes_on, RECOVERY_SECONDS, what="an append to be acked")
    expected = [b"before", *(b"sent %d" % n for n in range(10)), b"after"]
    assert await values_in(broker.settings, topic) == expected
    assert producer.waiting == (0, 0)


class Stream:
    """Numbered appends that go on whatever happens, and what became of each."""

    def __init__(self, producer: LogProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._run())
        self.outcomes: dict[bytes, type[LogError] | None] = {}

    async def _append(self, value: bytes) -> None:
        try:
            await self._producer.append(self._topic, record(value), partition=0)
            self.outcomes[value] = None
        except LogError as error:
            self.outcomes[value] = type(error)

    async def _run(self) -> None:
        calls = set()
        for number in itertools.count():
            if self._stop.is_set():
                break
            calls.add(asyncio.create_task(self._append(b"%08d" % number)))
            await asyncio.sleep(0.002)
        await asyncio.gather(*calls)

    @property
    def acked(self) -> int:
        return list(self.outcomes.values()).count(None)

    @property
    def failed(self) -> int:
        return len(self.outcomes) - self.acked

    async def more(self, kind: str) -> None:
        """Wait for twenty more of that outcome."""
        before = getattr(self, kind)
        await until(lambda: getattr(self, kind) > before + 20, RECOVERY_SECONDS, what=kind)

    async def check(self, settings: Settings) -> None:
        """What was acked is in the log, what was not sent is not; each once, and in order."""
        self._stop.set()
        await self._task
        found = await values_in(settings, self._topic)
        assert found == sorted(set(found))
        assert {value for value, outcome in self.outcomes.items() if outcome is None} <= set(found)
        not_sent = {v for v, outcome in self.outcomes.items() if outcome is LogOverloaded}
        assert not not_sent & set(found)


async def test_appends_that_go_on_during_pauses_are_never_reordered_or_doubled(
    broker: PausableBroker, make_producer: MakeProducer
):
    """The log holds what was acked once, in the order of the calls, whatever became of the rest."""
    topic = await make_topic(broker.settings)
    producer = await make_producer(broker.settings, kafka_batch_bytes=1_000)
    stream = Stream(producer, topic)
    for pause_seconds in (0.3, 1.2, 2.4):  # below and beyond the request timeout
        await stream.more("acked")
        async with broker.paused():
            await stream.more("failed")
            await until(lambda s=pause_seconds: producer.stalled_seconds() > s, 10)
    await stream.more("acked")
    await stream.check(broker.settings)


async def test_appends_that_go_on_while_the_broker_is_killed_are_never_reordered_or_doubled(
    broker: PausableBroker, make_producer: MakeProducer
):
    """The same holds when the broker's process is killed and starts again."""
    topic = await make_topic(broker.settings)
    producer = await make_producer(broker.settings, kafka_batch_bytes=1_000)
    stream = Stream(producer, topic)
    for _ in range(2):
        await stream.more("acked")
        await broker.kill_and_restart()
    await stream.more("acked")
    await stream.check(broker.settings)


async def test_a_full_buffer_refuses_while_the_broker_is_silent(
    broker: PausableBroker, make_producer: MakeProducer
):
    """The buffer's bound holds at once, long before any time limit, and empties afterwards."""
    topic = await make_topic(broker.settings)
    producer = await make_producer(
        broker.settings, kafka_buffer_records=5, kafka_append_timeout_seconds=60.0
    )
    await producer.append(topic, record(b"first"), partition=0)
    async with broker.paused():
        five = [
            asyncio.create_task(producer.append(topic, record(b"%d" % n), partition=0))
            for n in range(5)
        ]
        await until(lambda: producer.waiting[0] == 5, 5)
        with pytest.raises(LogOverloaded):
            await producer.append(topic, record(b"sixth"), partition=0)
        assert not any(task.done() for task in five)
    offsets = [position.offset for position in await asyncio.gather(*five)]
    assert offsets == [1, 2, 3, 4, 5]


async def test_stopping_ends_while_the_broker_is_silent(
    broker: PausableBroker, make_producer: MakeProducer
):
    """`stop` gives everybody an outcome and returns although the broker answers nothing."""
    topic = await make_topic(broker.settings)
    producer = await make_producer(broker.settings, kafka_append_timeout_seconds=60.0)
    await producer.append(topic, record(b"first"), partition=0)
    async with broker.paused():
        pending = asyncio.create_task(producer.append(topic, record(b"second"), partition=0))
        await until(lambda: producer.stalled_seconds() > 0, 5)
        await producer.stop(timeout_seconds=0.1)
        with pytest.raises(AppendUnknown):
            await pending


async def test_a_reader_goes_on_after_a_pause(broker: PausableBroker, make_producer: MakeProducer):
    """A reader survives a broker that is silent for longer than its requests may take."""
    topic = await make_topic(broker.settings)
    producer = await make_producer(broker.settings)
    reader = PartitionReader(broker.settings, {(topic, 0): 0})
    await reader.start()
    try:
        await producer.append(topic, record(b"one"), partition=0)
        await until(lambda: reader.get(timeout_seconds=0.1), 10, what="the first record")
        async with broker.paused():
            for _ in range(4):  # each waits its time
                assert await reader.get(timeout_seconds=0.5) == {}
        await until(lambda: producer.append(topic, record(b"two"), partition=0), RECOVERY_SECONDS)
        got = await until(lambda: reader.get(timeout_seconds=0.1), RECOVERY_SECONDS)
        assert [one.value for records in got.values() for one in records] == [b"two"]
    finally:
        await reader.stop()
