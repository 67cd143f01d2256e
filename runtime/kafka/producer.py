"""Append to the log: in order, acked by the broker, bounded in time and memory.

Every append ends in one of these ways, within `kafka_append_timeout_seconds`:

- its `Position`: it is in the log, on every replica that the broker counts on;
- `RecordTooLarge`, `LogOverloaded`: nothing was sent;
- `AppendRefused`: the broker said no, it is not in the log;
- `AppendUnknown`: it was sent and may be in the log now or later. aiokafka goes on trying with the
  same sequence numbers, so nothing that is appended later to this partition overtakes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Sequence

from runtime.kafka import metrics
from runtime.kafka.clients import Clients
from runtime.kafka.clock import BrokerClock
from runtime.kafka.counts import PartitionCounts
from runtime.kafka.errors import AppendRefused, LogError, LogOverloaded, RecordTooLarge
from runtime.kafka.lane import Lane
from runtime.kafka.partitioner import partition_for
from runtime.kafka.records import Outgoing, Position, Positions, size_bytes
from runtime.kafka.submissions import Submission
from runtime.settings import Settings


class LogProducer:
    """Appends to topics of the log.

    Appends to one partition are stored in the order in which `append` and `append_batch` were
    called. A caller that is cancelled takes back what was not sent yet.

    Args:
        settings: brokers and limits.
        clock: learns the broker's time from the acks.
        role: names this producer in the broker's logs.
    """

    def __init__(
        self, settings: Settings, *, clock: BrokerClock | None = None, role: str = "producer"
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._clients = Clients(settings, role)
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._counts = PartitionCounts(self._clients, settings.kafka_append_timeout_seconds)
        self._records = 0
        self._bytes = 0
        self._open = False
        self._stopped = False
        self._idle = asyncio.Event()
        self._idle.set()
        _ALL.add(self)

    async def start(self) -> None:
        """Connect.

        Raises:
            LogUnreachable: no broker answered in `kafka_start_timeout_seconds`.
        """
        await self._clients.start()
        self._open = True

    async def stop(self, timeout_seconds: float | None = None) -> None:
        """Refuse new appends, wait for those that were made, and close; once and for all.

        Args:
            timeout_seconds: how long to wait; default: `kafka_append_timeout_seconds`. What has no
                outcome by then gets `AppendUnknown` if it was sent and `LogOverloaded` if not.
        """
        self._open = False
        if self._stopped:
            return
        self._stopped = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(
                self._settings.kafka_append_timeout_seconds
                if timeout_seconds is None
                else timeout_seconds
            ):
                await self._idle.wait()
        for lane in self._lanes.values():
            await lane.stop()
        await self._clients.stop()

    async def append(
        self, topic: str, outgoing: Outgoing, *, partition: int | None = None
    ) -> Position:
        """Append one record and wait for the broker's ack.

        Args:
            topic: must exist.
            outgoing: the record.
            partition: where; default: the partition of its key.

        Raises:
            RecordTooLarge, LogOverloaded, AppendUnknown, AppendRefused: see the module.
        """
        size = self._checked_size(topic, outgoing)
        partitions = self._counts.known(topic) or await self._counts.ask(topic)
        if partition is None:
            partition = partition_for(outgoing.key, partitions)
        lane = self._lane(topic, partition, partitions)
        return (await self._submit(lane, (outgoing,), size))[0]

    async def append_batch(
        self, topic: str, partition: int, records: Sequence[Outgoing]
    ) -> Positions:
        """Append many records to one partition, in order, and wait until all are acked.

        They are consecutive in the log unless another producer appends too. Each size is checked
        before anything is sent. `records` must not be changed until this returns.

        Raises:
            RecordTooLarge, LogOverloaded, AppendUnknown, AppendRefused: see the module; of a call
                that takes several batches, a first part may be in the log (the message says).
        """
        if not records:
            return Positions()
        size = self._checked_sizes(topic, records)
        partitions = self._counts.known(topic) or await self._counts.ask(topic)
        return await self._submit(self._lane(topic, partition, partitions), records, size)

    async def partitions(self, topic: str) -> int:
        """How many partitions `topic` has; asked once, since it never changes.

        Raises:
            LogOverloaded: the brokers did not say in time, or the topic does not exist.
        """
        return self._counts.known(topic) or await self._counts.ask(topic)

    @property
    def waiting(self) -> tuple[int, int]:
        """Records and bytes that have no outcome yet or may still be sent."""
        return self._records, self._bytes

    def stalled_seconds(self) -> float:
        """How long the oldest batch has been waiting for its ack; 0 when none is."""
        return max((lane.stalled_seconds() for lane in self._lanes.values()), default=0.0)

    def _checked_size(self, topic: str, record: Outgoing) -> int:
        size = record.size_bytes or size_bytes(record)
        if size > self._settings.kafka_record_max_bytes:
            metrics.FAILED.labels(topic, RecordTooLarge.code).inc()
            raise RecordTooLarge(
                f"A record for {topic} takes {size} bytes; at most "
                f"{self._settings.kafka_record_max_bytes} may be appended."
            )
        return size

    def _checked_sizes(self, topic: str, records: Sequence[Outgoing]) -> int:
        """What all of them take, with one look at each: this is a decider's hottest path."""
        sizes = [one.size_bytes or size_bytes(one) for one in records]
        if max(sizes) > self._settings.kafka_record_max_bytes:
            for one in records:
                self._checked_size(topic, one)
        return sum(sizes)

    def _lane(self, topic: str, partition: int, partitions: int) -> Lane:
        lane = self._lanes.get((topic, partition))
        if lane is None:
            if not 0 <= partition < partitions:
                raise self._refusal(topic, AppendRefused, f"{topic} has no partition {partition}.")
            lane = self._lanes[topic, partition] = Lane(
                topic,
                partition,
                self._clients,
                batch_bytes=self._settings.kafka_batch_bytes,
                release=self._release,
                observe=self._observe,
            )
        return lane

    def _submit(
        self, lane: Lane, records: Sequence[Outgoing], size: int
    ) -> asyncio.Future[Positions]:
        if not self._open:
            raise self._refusal(lane.topic, LogOverloaded, "This producer is not running.")
        if (
            self._records + len(records) > self._settings.kafka_buffer_records
            or self._bytes + size > self._settings.kafka_buffer_bytes
        ):
            raise self._refusal(
                lane.topic,
                LogOverloaded,
                f"{self._records} records of {self._bytes} bytes wait for acks already.",
            )
        self._records += len(records)
        self._bytes += size
        self._idle.clear()
        loop = lane.loop  # asking for the running one is a system call before Python 3.12
        deadline = loop.time() + self._settings.kafka_append_timeout_seconds
        submission = Submission(records, size, deadline, loop.create_future())
        lane.submit(submission)
        return submission.future

    def _refusal(self, topic: str, kind: type[LogError], reason: str) -> LogError:
        metrics.FAILED.labels(topic, kind.code).inc()
        return kind(reason)

    def _release(self, submission: Submission) -> None:
        self._records -= len(submission.records)
        self._bytes -= submission.size
        if self._records == 0:
            self._idle.set()

    def _observe(self, appended_at_ms: int, sent_at: float) -> None:
        if self._clock is not None:
            self._clock.observe(appended_at_ms, asked_at=sent_at)


_ALL: weakref.WeakSet[LogProducer] = weakref.WeakSet()
metrics.WAITING_RECORDS.set_function(lambda: sum(one.waiting[0] for one in _ALL))
metrics.WAITING_BYTES.set_function(lambda: sum(one.waiting[1] for one in _ALL))
