"""Appending to a real broker."""

from __future__ import annotations

import asyncio
import os

import pytest

from runtime.kafka.clock import BrokerClock
from runtime.kafka.consumer import PartitionReader, TopicPartition, read_one
from runtime.kafka.errors import AppendRefused, LogOverloaded, LogUnreachable, RecordTooLarge
from runtime.kafka.partitioner import partition_for
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing, size_bytes
from runtime.settings import Settings
from tests.integration.kafka.conftest import (
    PARTITIONS,
    MakeProducer,
    make_topic,
    record,
    values_in,
)


async def test_a_position_is_where_the_record_stands(
    servers: Settings, topic: str, make_producer: MakeProducer
):
    """What is read at an append's position is that record, with its headers and append time."""
    producer = await make_producer()
    sent = Outgoing(b"account", b"value", (("ce_id", b"1"), ("ce_id", b"2"), ("empty", b"")))
    position = await producer.append(topic, sent)
    assert position.partition == partition_for(b"account", PARTITIONS)
    read = await read_one(servers, topic, position.partition, position.offset)
    assert read is not None
    assert (read.key, read.value, read.headers) == (sent.key, sent.value, sent.headers)
    assert read.appended_at_ms == position.appended_at_ms


@pytest.mark.parametrize("compression", ["none", "zstd"])
async def test_positions_of_a_batch_are_those_of_its_records(
    servers: Settings, topic: str, make_producer: MakeProducer, compression: str
):
    """Over many Kafka batches, each record is read at the position given for it."""
    producer = await make_producer(kafka_batch_bytes=1_000, kafka_compression=compression)
    values = [b"%d" % number for number in range(200)]
    positions = await producer.append_batch(topic, 2, [record(value) for value in values])
    reader = PartitionReader(servers, {(topic, 2): positions[0].offset})
    await reader.start()
    read = []
    while len(read) < len(values):
        read += (await reader.get()).get(TopicPartition(topic, 2), [])
    await reader.stop()
    assert [(one.offset, one.timestamp, one.value) for one in read] == [
        (position.offset, position.appended_at_ms, value)
        for position, value in zip(positions, values, strict=True)
    ]


async def test_an_empty_batch_is_nothing(topic: str, make_producer: MakeProducer):
    """Appending no records returns no positions and sends nothing."""
    assert list(await (await make_producer()).append_batch(topic, 0, [])) == []


async def test_concurrent_appends_keep_their_order(
    servers: Settings, topic: str, make_producer: MakeProducer
):
    """Appends to one partition stand in the order of the calls, single ones and batches mixed."""
    producer = await make_producer(kafka_batch_bytes=2_000)
    calls = []
    for number in range(0, 600, 3):
        calls.append(producer.append(topic, record(b"%d" % number), partition=1))
        pair = [record(b"%d" % (number + 1)), record(b"%d" % (number + 2))]
        calls.append(producer.append_batch(topic, 1, pair))
    await asyncio.gather(*calls)
    assert await values_in(servers, topic, 1) == [b"%d" % number for number in range(600)]


async def test_the_first_appends_to_a_topic_keep_their_order_too(
    servers: Settings, topic: str, make_producer: MakeProducer
):
    """Those that come when the partition count is known do not overtake those that asked for it."""
    producer = await make_producer()
    calls = []
    for number in range(300):  # the answer about the topic comes somewhere among them
        calls.append(asyncio.create_task(producer.append(topic, record(b"%03d" % number))))
        await asyncio.sleep(0)
    positions = await asyncio.gather(*calls)
    assert [position.offset for position in positions] == list(range(300))


async def test_an_oversized_record_is_refused_before_it_is_sent(
    servers: Settings, topic: str, make_producer: MakeProducer
):
    """Neither it nor the rest of its call reaches the log, and the partition goes on."""
    producer = await make_producer(kafka_record_max_bytes=1_000)
    with pytest.raises(RecordTooLarge):
        await producer.append(topic, record(b"x" * 1_000), partition=0)
    with pytest.raises(RecordTooLarge):
        await producer.append_batch(topic, 0, [record(b"a"), record(b"x" * 1_000)])
    await producer.append(topic, record(b"after"), partition=0)
    assert await values_in(servers, topic) == [b"after"]
    assert producer.waiting == (0, 0)


async def test_the_largest_record_that_is_allowed_is_taken(
    topic: str, servers: Settings, make_producer: MakeProducer
):
    """What passes the check passes the broker, also where nothing can be compressed."""
    producer = await make_producer(kafka_record_max_bytes=1_000_000)
    value = os.urandom(1_000_000 - size_bytes(record(b"")))
    position = await producer.append(topic, record(value), partition=0)
    read = await read_one(servers, topic, 0, position.offset)
    assert read is not None
    assert read.value == value


async def test_a_record_that_the_broker_refuses_does_not_wedge(
    servers: Settings, make_producer: MakeProducer
):
    """Of appends that share a batch only the oversized fails; later ones go on (issue 1017)."""
    topic = await make_topic(servers, max_message_bytes=5_000)
    producer = await make_producer()
    big = record(os.urandom(20_000))
    answers = await asyncio.gather(
        producer.append(topic, record(b"0"), partition=0),
        producer.append(topic, big, partition=0),
        producer.append(topic, record(b"1"), partition=0),
        producer.append(topic, record(b"other"), partition=1),
        return_exceptions=True,
    )
    assert isinstance(answers[1], AppendRefused)
    for number in (2, 3):
        with pytest.raises(AppendRefused):
            await producer.append(topic, big, partition=0)
        await producer.append(topic, record(b"%d" % number), partition=0)
    assert await values_in(servers, topic, 0) == [b"0", b"1", b"2", b"3"]
    assert await values_in(servers, topic, 1) == [b"other"]
    assert producer.waiting == (0, 0)


async def test_a_full_buffer_refuses_at_once(
    servers: Settings, topic: str, make_producer: MakeProducer
):
    """Neither too many records nor too many bytes wait, and what was refused was not sent."""
    producer = await make_producer(kafka_buffer_records=3, kafka_buffer_bytes=2_000)
    await producer.partitions(topic)
    answers = await asyncio.gather(
        *(producer.append(topic, record(b"%d" % n), partition=0) for n in range(5)),
        return_exceptions=True,
    )
    assert [isinstance(answer, LogOverloaded) for answer in answers] == [False] * 3 + [True] * 2
    with pytest.raises(LogOverloaded):
        await producer.append(topic, record(b"x" * 2_000), partition=0)
    assert await values_in(servers, topic) == [b"0", b"1", b"2"]


async def test_a_partition_that_does_not_exist_is_refused(topic: str, make_producer: MakeProducer):
    """A partition beyond the topic's is named, and nothing is sent."""
    with pytest.raises(AppendRefused, match="no partition 4"):
        await (await make_producer()).append(topic, record(b"x"), partition=PARTITIONS)


async def test_a_stopped_producer_takes_nothing(topic: str, make_producer: MakeProducer):
    """Stopping waits for what was appended; afterwards appends are refused, retryably."""
    producer = await make_producer()
    await producer.partitions(topic)
    pending = asyncio.gather(
        *(producer.append(topic, record(b"%d" % n), partition=0) for n in range(50))
    )
    await asyncio.sleep(0)
    await producer.stop()
    assert len(await pending) == 50
    with pytest.raises(LogOverloaded):
        await producer.append(topic, record(b"x"), partition=0)


async def test_no_broker_stops_the_start(servers: Settings):
    """Where nothing listens the start fails with a sentence that names the address."""
    producer = LogProducer(
        Settings(kafka_bootstrap_servers="127.0.0.1:1", kafka_start_timeout_seconds=0.2)
    )
    with pytest.raises(LogUnreachable, match=r"127\.0\.0\.1:1"):
        await producer.start()
    await producer.stop()


async def test_the_clock_learns_from_acks(servers: Settings, topic: str):
    """A primed clock is never behind an append time that was acked."""
    clock = BrokerClock()
    producer = LogProducer(servers, clock=clock)
    await producer.start()
    try:
        await clock.prime(producer, topic)
        for _ in range(20):
            position = await producer.append(topic, record(b"x"), partition=0)
            assert clock.now_ms() >= position.appended_at_ms
    finally:
        await producer.stop()
