"""Reading from a real broker: in order, bounded, and never from somewhere else."""

from __future__ import annotations

import os

import msgspec
import pytest

from runtime.kafka.consumer import (
    LogLookup,
    PartitionReader,
    TopicPartition,
    beginning_offsets,
    end_offsets,
    read_one,
)
from runtime.kafka.errors import CursorLost, LogUnreachable
from runtime.settings import Settings
from runtime.waiting import until
from tests.integration.kafka.conftest import MakeProducer, delete_before, record


async def read(reader: PartitionReader, count: int, max_records: int | None = None) -> list[bytes]:
    found: list[bytes] = []
    while len(found) < count:
        for records in (await reader.get(max_records)).values():
            found += [one.value for one in records]
    return found


async def read_on(reader: PartitionReader, found: list[bytes]) -> None:
    while True:
        found += await read(reader, 1, max_records=1)


async def test_reads_from_where_it_is_told(
    servers: Settings, topic: str, make_producer: MakeProducer
):
    """Each partition begins at its own offset, and the position follows what was given out."""
    producer = await make_producer()
    for partition in (0, 1):
        batch = [record(b"%d %d" % (partition, number)) for number in range(10)]
        await producer.append_batch(topic, partition, batch)
    reader = PartitionReader(servers, {(topic, 0): 7, (topic, 1): 9})
    await reader.start()
    try:
        assert sorted(await read(reader, 4)) == [b"0 7", b"0 8", b"0 9", b"1 9"]
        assert reader.position(topic, 0) == 10
        await producer.append(topic, record(b"new"), partition=1)
        assert await read(reader, 1) == [b"new"]
        assert reader.position(topic, 1) == 11
    finally:
        await reader.stop()


async def test_a_batch_is_no_larger_than_asked_for(
    servers: Settings, topic: str, make_producer: MakeProducer
):
    """`max_records` bounds a batch, and what is over comes next, in order."""
    producer = await make_producer()
    values = [b"%d" % number for number in range(25)]
    await producer.append_batch(topic, 0, [record(value) for value in values])
    reader = PartitionReader(servers, {(topic, 0): 0})
    await reader.start()
    try:
        sizes, found = [], []
        async for batch in reader.batches(max_records=10):
            records = batch[TopicPartition(topic, 0)]
            sizes.append(len(records))
            found += [one.value for one in records]
            if len(found) == len(values):
                break
        assert found == values
        assert max(sizes) <= 10
    finally:
        await reader.stop()


async def test_nothing_new_is_an_empty_batch(servers: Settings, topic: str):
    """At the end of the log `get` comes back empty."""
    reader = PartitionReader(servers, {(topic, 0): 0})
    await reader.start()
    try:
        assert await reader.get(timeout_seconds=0.05) == {}
    finally:
        await reader.stop()


@pytest.mark.parametrize("offset", [0, 6])
async def test_a_start_outside_the_log_is_refused(
    servers: Settings, topic: str, make_producer: MakeProducer, offset: int
):
    """A cursor below the first offset or above the end names itself and the log's range."""
    producer = await make_producer()
    await producer.append_batch(topic, 0, [record(b"%d" % number) for number in range(5)])
    await delete_before(servers, topic, 0, 2)
    reader = PartitionReader(servers, {(topic, 0): offset})
    with pytest.raises(CursorLost) as lost:
        await reader.start()
    error = lost.value
    assert (error.topic, error.partition, error.offset) == (topic, 0, offset)
    assert error.log_range == (2, 5)
    assert not error.retryable
    await reader.stop()


@pytest.mark.parametrize("offset", [2, 5])
async def test_the_first_offset_and_the_end_are_valid_starts(
    servers: Settings, topic: str, make_producer: MakeProducer, offset: int
):
    """The oldest record that is left, and the place of the next one, can be read from."""
    producer = await make_producer()
    await producer.append_batch(topic, 0, [record(b"%d" % number) for number in range(5)])
    await delete_before(servers, topic, 0, 2)
    reader = PartitionReader(servers, {(topic, 0): offset})
    await reader.start()
    try:
        await producer.append(topic, record(b"5"), partition=0)
        assert await read(reader, 6 - offset) == [b"%d" % n for n in range(offset, 6)]
    finally:
        await reader.stop()


async def test_a_reader_that_is_overtaken_by_deletion_says_so(
    servers: Settings, topic: str, make_producer: MakeProducer
):
    """It delivers what it has, in order, then raises instead of jumping over the gap."""
    producer = await make_producer()
    for number in range(60):
        await producer.append(topic, record(b"%02d" % number + os.urandom(100_000)), partition=0)
    reader = PartitionReader(
        msgspec.structs.replace(servers, kafka_queue_records=5), {(topic, 0): 0}
    )
    await reader.start()
    try:
        found = await read(reader, 1, max_records=1)
        await delete_before(servers, topic, 0, 55)
        with pytest.raises(CursorLost) as lost:
            await read_on(reader, found)
        assert [int(value[:2]) for value in found] == list(range(len(found)))
        assert lost.value.offset == len(found)
        assert lost.value.log_range == (55, 60)
        with pytest.raises(CursorLost):
            await reader.get()
    finally:
        await reader.stop()


async def test_a_full_queue_holds_the_reader_back(
    servers: Settings, topic: str, make_producer: MakeProducer
):
    """Ahead of its user a reader holds no more than its bound, and nothing is lost by waiting."""
    producer = await make_producer()
    values = [b"%d" % number for number in range(500)]
    await producer.append_batch(topic, 0, [record(value) for value in values])
    reader = PartitionReader(
        msgspec.structs.replace(servers, kafka_queue_records=50), {(topic, 0): 0}
    )
    await reader.start()
    try:
        drain = reader._drain
        await until(lambda: drain._records == 50, 10, what="the queue to fill")
        assert await reader.get(timeout_seconds=0)
        found = [b"%d" % number for number in range(50)]
        found += await read(reader, 450)
        assert found == values
    finally:
        await reader.stop()


async def test_a_partition_that_does_not_exist_stops_the_start(servers: Settings, topic: str):
    """The message names the partition that was asked for."""
    settings = msgspec.structs.replace(servers, kafka_start_timeout_seconds=1.0)
    reader = PartitionReader(settings, {(topic, 99): 0})
    with pytest.raises(LogUnreachable, match=f"{topic}/99"):
        await reader.start()
    await reader.stop()


async def test_looking_at_the_log(servers: Settings, topic: str, make_producer: MakeProducer):
    """Ends, beginnings and single records, and None for what is not there."""
    producer = await make_producer()
    await producer.append_batch(topic, 0, [record(b"%d" % number) for number in range(5)])
    await delete_before(servers, topic, 0, 2)
    tp, other = TopicPartition(topic, 0), TopicPartition(topic, 1)
    assert await end_offsets(servers, [tp, other]) == {tp: 5, other: 0}
    assert await beginning_offsets(servers, [tp, other]) == {tp: 2, other: 0}
    one = await read_one(servers, topic, 0, 3)
    assert one is not None
    assert (one.offset, one.value) == (3, b"3")
    async with LogLookup(servers) as lookup:
        assert await lookup.read_one(topic, 0, 1) is None
        assert await lookup.read_one(topic, 0, 5) is None
        assert await lookup.read_one(topic, 1, 0) is None
        last = await lookup.read_one(topic, 0, 4)
        assert last is not None
        assert last.value == b"4"


async def test_a_lookup_that_asks_nothing_closes_without_a_word(servers: Settings):
    """Opened and closed at once, a lookup does not raise what it cancels inside itself."""
    async with LogLookup(servers):
        pass
