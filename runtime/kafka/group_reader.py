"""Read the share of a topic that a consumer group gives this process, from offsets kept elsewhere.

The group only decides who reads what. No offset is stored in Kafka and none is read from it: the
user says where each partition begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from runtime.kafka.connect import client_options
from runtime.kafka.drain import Batch, Drain, check_starts, close, reader_options
from runtime.kafka.errors import LogUnreachable
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

REBALANCE_SECONDS_MAX = 60.0
"""How long the group waits for a member to let go of its partitions (`on_revoked`)."""
STALL_SECONDS_MAX = 300.0
"""A member whose user takes nothing for so long, its queue full, loses its partitions."""

Partitions = frozenset[TopicPartition]
OnAssigned = Callable[[Partitions], Awaitable[Mapping[TopicPartition, int]]]
OnRevoked = Callable[[Partitions], Awaitable[None]]


class GroupReader:
    """A member of a consumer group that reads what it is assigned.

    Every change of the group takes all partitions from all members and gives them out anew, so
    `on_revoked` and `on_assigned` name whole assignments, and a partition may come back at once.

    Args:
        settings: brokers and limits.
        group: the group's id.
        topics: what the group reads.
        on_assigned: gets the new partitions and returns where to begin each. It may take as long
            as it needs (reading a snapshot, say): nothing is delivered meanwhile, the membership is
            kept, and it is cancelled if the partitions are taken away again.
        on_revoked: gets the partitions that go; nothing more of them is delivered, and the group
            waits for it up to `REBALANCE_SECONDS_MAX`. Called on `stop` too.
        group_instance_id: a static membership: a member that restarts within the session timeout
            gets its partitions back without a rebalance. Must be unique among those that run, or
            they take the partitions from each other for ever.
        name, fetch_max_wait_ms, fetch_min_bytes: as for `PartitionReader`.
    """

    def __init__(
        self,
        settings: Settings,
        group: str,
        topics: Sequence[str],
        *,
        on_assigned: OnAssigned,
        on_revoked: OnRevoked,
        group_instance_id: str | None = None,
        name: str | None = None,
        fetch_max_wait_ms: int = 100,
        fetch_min_bytes: int = 1,
    ) -> None:
        self._settings = settings
        self._topics = list(topics)
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._held: Partitions = frozenset()
        self._placing: asyncio.Task[None] | None = None
        session_ms = round(settings.kafka_session_timeout_seconds * 1000)
        consumer = AIOKafkaConsumer(
            **client_options(settings, role=name or group),
            **reader_options(
                settings, fetch_max_wait_ms=fetch_max_wait_ms, fetch_min_bytes=fetch_min_bytes
            ),
            group_id=group,
            group_instance_id=group_instance_id,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=session_ms // 5,
            rebalance_timeout_ms=round(REBALANCE_SECONDS_MAX * 1000),
            max_poll_interval_ms=round(STALL_SECONDS_MAX * 1000),
        )
        self._drain = Drain(consumer, settings, name or group)

    async def start(self) -> None:
        """Connect and ask to join; the partitions come later, with `on_assigned`.

        Raises:
            LogUnreachable: no answer in `kafka_start_timeout_seconds`.
        """
        consumer = self._drain.consumer
        try:
            async with asyncio.timeout(self._settings.kafka_start_timeout_seconds):
                await consumer.start()
        except (TimeoutError, KafkaError) as error:
            await close(consumer)
            raise LogUnreachable(
                f"No Kafka broker answered at {self._settings.kafka_bootstrap_servers}: {error!r}."
            ) from error
        except BaseException:
            await close(consumer)
            raise
        consumer.subscribe(self._topics, listener=_Listener(self))
        self._drain.start()

    async def stop(self) -> None:
        """Hand back all partitions and leave; a static member's seat is kept for its session."""
        await self.let_go()
        await self._drain.stop()

    async def get(self, max_records: int | None = None, timeout_seconds: float = 1.0) -> Batch:
        """The next records, in log order within each partition; empty when none came in time.

        Raises:
            CursorLost: the log does not hold the offset where a partition should go on.
            LogUnreadable: the broker's data or answers cannot be used, or membership is refused.
            Exception: whatever `on_assigned` or `on_revoked` raised.
        """
        return await self._drain.get(max_records, timeout_seconds)

    def batches(self, max_records: int | None = None) -> AsyncIterator[Batch]:
        """Every batch, for ever; errors as `get`."""
        return self._drain.batches(max_records)

    def position(self, topic: str, partition: int) -> int | None:
        """The offset after the last record that `get` returned; None for others' partitions."""
        return self._drain.position(TopicPartition(topic, partition))

    @property
    def assignment(self) -> Partitions:
        """The partitions given to this member; being read once `on_assigned` has answered."""
        return self._held

    async def let_go(self) -> None:
        """Take back the current assignment: called by the group, and on `stop`."""
        if self._placing is not None:
            self._placing.cancel()
            await asyncio.wait([self._placing])
            self._placing = None
        held, self._held = self._held, frozenset()
        self._drain.forget(held)
        if held:
            try:
                await self._on_revoked(held)
            except Exception as error:  # noqa: BLE001  (aiokafka would log it and go on)
                self._drain.fail(error)

    def take_over(self, partitions: Partitions) -> None:
        """Begin a new assignment: called by the group."""
        consumer = self._drain.consumer
        for tp in partitions:
            # With a position, and paused, aiokafka neither looks for a committed offset nor reads.
            consumer.seek(tp, 0)
            consumer.pause(tp)
        self._held = partitions
        if partitions:
            # Not awaited: the group's heartbeats begin only after the callback has returned.
            self._placing = asyncio.get_running_loop().create_task(self._place(partitions))

    async def _place(self, partitions: Partitions) -> None:
        consumer = self._drain.consumer
        try:
            starts = await self._on_assigned(partitions)
            assert starts.keys() == partitions, f"{sorted(starts)} instead of {sorted(partitions)}"
            await check_starts(consumer, starts)
        except Exception as error:  # noqa: BLE001  (whatever it is, the user's get raises it)
            self._drain.fail(error)
            return
        self._drain.begin(starts)
        for tp, offset in starts.items():
            consumer.seek(tp, offset)
            consumer.resume(tp)
        _log.info("partitions taken over", reader=self._drain.name, count=len(partitions))


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped base
    def __init__(self, reader: GroupReader) -> None:
        self._reader = reader

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002  aiokafka's signature
        await self._reader.let_go()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._reader.take_over(frozenset(assigned))
