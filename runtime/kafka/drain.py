"""Take records from aiokafka at once, and hold a bounded number of them for their user.

aiokafka leaves a partition out of the next fetch when its records were not taken within 100 ms,
and that fetch then waits for the broker's whole long poll. So a task takes them as they come. When
the queue is full it stops taking, which is all the back pressure that is needed: aiokafka then
holds one answer per partition and fetches no more.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping
from functools import partial
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import IllegalStateError, KafkaError, OffsetOutOfRangeError
from aiokafka.structs import ConsumerRecord, TopicPartition

from runtime.kafka import metrics
from runtime.kafka.errors import CursorLost, LogUnreadable
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

Batch = dict[TopicPartition, list["ConsumerRecord[bytes, bytes]"]]
"""Records by partition, each list in log order."""

CHUNK_RECORDS = 2_000
"""Records decoded without a pause for the event loop."""
POLL_MS = 1_000
RECORD_OVERHEAD_BYTES = 1_024
"""What Python holds for one record with a few headers, beside its value."""
CLOSE_SECONDS_MAX = 5.0


class Drain:
    """The queue between one aiokafka consumer and its user.

    Args:
        consumer: started by the owner of the drain.
        settings: the bounds of the queue.
        name: the reader, for metrics and logs.
    """

    def __init__(
        self, consumer: AIOKafkaConsumer[bytes, bytes], settings: Settings, name: str
    ) -> None:
        self.consumer = consumer
        self.name = name
        self._records_max = settings.kafka_queue_records
        self._bytes_max = settings.kafka_queue_bytes
        self._queue: deque[tuple[TopicPartition, list[ConsumerRecord[bytes, bytes]], int]] = deque()
        self._records = 0
        self._bytes = 0
        self._next: dict[TopicPartition, int] = {}
        self._error: Exception | None = None
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to take records."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"drain {self.name}")

    async def stop(self) -> None:
        """Take no more; what is queued is dropped."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self.forget(list(self._next))
        await close(self.consumer)

    def fail(self, error: Exception) -> None:
        """Let `get` raise `error` once everything before it was delivered."""
        if self._error is None:
            self._error = error
        self._arrived.set()

    def begin(self, starts: Mapping[TopicPartition, int]) -> None:
        """Note where partitions begin to be delivered."""
        self._next |= starts
        for tp in starts:
            lag = metrics.LAG.labels(self.name, tp.topic, str(tp.partition))
            lag.set_function(partial(self._lag, tp))

    def forget(self, partitions: Collection[TopicPartition]) -> None:
        """Drop what is queued of `partitions`; they belong to somebody else now."""
        kept = [entry for entry in self._queue if entry[0] not in partitions]
        self._queue.clear()
        self._records = self._bytes = 0
        for tp, records, size in kept:
            self._put(tp, records, size)
        self._room.set()
        for tp in partitions:
            if self._next.pop(tp, None) is not None:
                with contextlib.suppress(KeyError):
                    metrics.LAG.remove(self.name, tp.topic, str(tp.partition))

    def position(self, partition: TopicPartition) -> int | None:
        """The offset after the last record that the user was given; None if not read here."""
        return self._next.get(partition)

    async def get(self, max_records: int | None = None, timeout_seconds: float = 1.0) -> Batch:
        """Wait for records, at most `timeout_seconds`; empty when none came.

        Raises:
            CursorLost, LogUnreadable: nothing more can be read.
        """
        if not self._queue and self._error is None:
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds):
                    await self._arrived.wait()
        if self._queue:
            return self._take(max_records)
        if self._error is not None:
            raise self._error
        return {}

    async def batches(self, max_records: int | None = None) -> AsyncIterator[Batch]:
        """Every batch, for ever; errors as `get`."""
        while True:
            if batch := await self.get(max_records):
                yield batch

    def _take(self, max_records: int | None) -> Batch:
        wanted = self._records if max_records is None else max_records
        taken: Batch = {}
        while self._queue and wanted > 0:
            tp, records, size = self._queue.popleft()
            if len(records) > wanted:
                rest = records[wanted:]
                rest_size = size * len(rest) // len(records)
                self._queue.appendleft((tp, rest, rest_size))
                records, size = records[:wanted], size - rest_size
            wanted -= len(records)
            self._records -= len(records)
            self._bytes -= size
            if tp in taken:
                taken[tp] += records
            else:
                taken[tp] = records
        self._room.set()
        for tp, records in taken.items():
            self._delivered(tp, records)
        return taken

    def _delivered(self, tp: TopicPartition, records: list[ConsumerRecord[bytes, bytes]]) -> None:
        self._next[tp] = records[-1].offset + 1
        metrics.READ.labels(self.name, tp.topic).inc(len(records))

    def _lag(self, tp: TopicPartition) -> int:
        with contextlib.suppress(IllegalStateError):  # revoked a moment ago
            end: int | None = self.consumer.highwater(tp)
            if end is not None and tp in self._next:
                return end - self._next[tp]
        return 0

    def _put(
        self, tp: TopicPartition, records: list[ConsumerRecord[bytes, bytes]], size: int
    ) -> None:
        self._queue.append((tp, records, size))
        self._records += len(records)
        self._bytes += size

    async def _run(self) -> None:
        try:
            while True:
                while self._records >= self._records_max or self._bytes >= self._bytes_max:
                    self._room.clear()
                    await self._room.wait()
                room = min(CHUNK_RECORDS, self._records_max - self._records)
                got = await self.consumer.getmany(timeout_ms=POLL_MS, max_records=room)
                for tp, records in got.items():
                    if tp in self._next:  # else its start is not known yet
                        size = sum([one.serialized_value_size for one in records])
                        self._put(tp, records, size + RECORD_OVERHEAD_BYTES * len(records))
                self._arrived.set()
                await asyncio.sleep(0)  # with much to read, nothing above gives way to others
        except OffsetOutOfRangeError as error:
            (lost,) = error.args[0].items()
            self.fail(await cursor_lost(self.consumer, *lost))
        except Exception as error:  # noqa: BLE001  (whatever it is, the user's get raises it)
            _log.exception("reader stopped", reader=self.name)
            unreadable = LogUnreadable(f"The reader {self.name} cannot go on: {error!r}.")
            unreadable.__cause__ = error
            self.fail(unreadable)


async def cursor_lost(
    consumer: AIOKafkaConsumer[bytes, bytes], tp: TopicPartition, offset: int
) -> CursorLost:
    """The error that tells where `offset` is outside of."""
    log_range: tuple[int, int] | None = None
    with contextlib.suppress(KafkaError):
        first = await consumer.beginning_offsets([tp])
        end = await consumer.end_offsets([tp])
        log_range = first[tp], end[tp]
    metrics.LOST.labels(tp.topic).inc()
    return CursorLost(tp.topic, tp.partition, offset, log_range)


async def check_starts(
    consumer: AIOKafkaConsumer[bytes, bytes], starts: Mapping[TopicPartition, int]
) -> None:
    """Refuse a start that is outside the log, before anything is read.

    Raises:
        CursorLost: one is below the first offset or above the next one to be written.
    """
    first = await consumer.beginning_offsets(list(starts))
    end = await consumer.end_offsets(list(starts))
    for tp, offset in starts.items():
        if not first[tp] <= offset <= end[tp]:
            metrics.LOST.labels(tp.topic).inc()
            raise CursorLost(tp.topic, tp.partition, offset, (first[tp], end[tp]))


def reader_options(
    settings: Settings, *, fetch_max_wait_ms: int, fetch_min_bytes: int
) -> dict[str, Any]:
    """The consumer options that every reader shares: never reset, never commit."""
    return {
        "auto_offset_reset": "none",
        "enable_auto_commit": False,
        "fetch_max_wait_ms": fetch_max_wait_ms,
        "fetch_min_bytes": fetch_min_bytes,
        "fetch_max_bytes": settings.kafka_queue_bytes,
    }


async def close(consumer: AIOKafkaConsumer[bytes, bytes]) -> None:
    """Close within a bounded time even when the broker is gone."""
    # One turn for the tasks that its start has just made: cancelled before their first step, they
    # cannot catch it, and the consumer's `stop` would raise it here as if we were cancelled.
    await asyncio.sleep(0)
    with contextlib.suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await consumer.stop()
            return
    _log.warning("kafka consumer closed without an answer from the broker")
    fetcher = consumer._fetcher  # noqa: SLF001  (stop gave up before it came to these)
    with contextlib.suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            if fetcher is not None:
                await fetcher.close()
            await consumer._client.close()  # noqa: SLF001  its own close may hang
