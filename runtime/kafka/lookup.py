"""Look at the log without reading on: where partitions begin and end, and single records."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from runtime.kafka.connect import client_options
from runtime.kafka.drain import close, reader_options
from runtime.kafka.errors import LogUnreachable, LogUnreadable
from runtime.kafka.records import Record, from_consumer
from runtime.settings import Settings


class LogLookup:
    """One connection for many looks; use it as an async context manager.

    Calls may not overlap.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: AIOKafkaConsumer[bytes, bytes] = AIOKafkaConsumer(
            **client_options(settings, role="lookup"),
            **reader_options(settings, fetch_max_wait_ms=100, fetch_min_bytes=1),
        )

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            LogUnreachable: no answer in `kafka_start_timeout_seconds`.
        """
        try:
            async with asyncio.timeout(self._settings.kafka_start_timeout_seconds):
                await self._consumer.start()
        except (TimeoutError, KafkaError) as error:
            await close(self._consumer)
            raise LogUnreachable(
                f"No Kafka broker answered at {self._settings.kafka_bootstrap_servers}: {error!r}."
            ) from error
        except BaseException:
            await close(self._consumer)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await close(self._consumer)

    async def end_offsets(
        self, partitions: Collection[tuple[str, int]]
    ) -> dict[TopicPartition, int]:
        """The offset that the next record of each partition will get.

        Raises:
            LogUnreadable: no answer in time, or no such partition.
        """
        try:
            found = await self._consumer.end_offsets([TopicPartition(*tp) for tp in partitions])
        except KafkaError as error:
            raise LogUnreadable(f"Where the log ends could not be found out: {error!r}.") from error
        return dict(found)

    async def beginning_offsets(
        self, partitions: Collection[tuple[str, int]]
    ) -> dict[TopicPartition, int]:
        """The first offset that each partition still holds (its end, if it holds nothing).

        Raises:
            LogUnreadable: no answer in time, or no such partition.
        """
        try:
            found = await self._consumer.beginning_offsets(
                [TopicPartition(*tp) for tp in partitions]
            )
        except KafkaError as error:
            raise LogUnreadable(
                f"Where the log begins could not be found out: {error!r}."
            ) from error
        return dict(found)

    async def offsets_since(
        self, partitions: Collection[tuple[str, int]], since_ms: int
    ) -> dict[TopicPartition, int]:
        """The first offset of each partition that was appended at `since_ms` or later (its end,
        if none was).

        Raises:
            LogUnreadable: no answer in time, or no such partition.
        """
        tps = [TopicPartition(*tp) for tp in partitions]
        try:
            found = await self._consumer.offsets_for_times(dict.fromkeys(tps, since_ms))
            ends = await self._consumer.end_offsets([tp for tp in tps if found[tp] is None])
        except KafkaError as error:
            raise LogUnreadable(
                f"Where the log was at a time could not be found out: {error!r}."
            ) from error
        return {tp: ends[tp] if found[tp] is None else found[tp].offset for tp in tps}

    async def read_one(self, topic: str, partition: int, offset: int) -> Record | None:
        """The record at `offset`; None if the log does not hold it.

        Raises:
            LogUnreadable: no answer in `kafka_request_timeout_seconds`, or bad data.
        """
        tp = TopicPartition(topic, partition)
        first = (await self.beginning_offsets([tp]))[tp]
        end = (await self.end_offsets([tp]))[tp]
        if not first <= offset < end:
            return None
        self._consumer.assign([tp])
        self._consumer.seek(tp, offset)
        try:
            async with asyncio.timeout(self._settings.kafka_request_timeout_seconds):
                while not (got := await self._consumer.getmany(timeout_ms=1000, max_records=1)):
                    pass
        except OffsetOutOfRangeError:  # deleted since
            return None
        except (TimeoutError, KafkaError) as error:
            raise LogUnreadable(
                f"The record {topic}/{partition}/{offset} could not be read: {error!r}."
            ) from error
        record = got[tp][0]
        return from_consumer(record) if record.offset == offset else None


async def end_offsets(
    settings: Settings, partitions: Collection[tuple[str, int]]
) -> dict[TopicPartition, int]:
    """As `LogLookup.end_offsets`, with a connection of its own."""
    async with LogLookup(settings) as lookup:
        return await lookup.end_offsets(partitions)


async def beginning_offsets(
    settings: Settings, partitions: Collection[tuple[str, int]]
) -> dict[TopicPartition, int]:
    """As `LogLookup.beginning_offsets`, with a connection of its own."""
    async with LogLookup(settings) as lookup:
        return await lookup.beginning_offsets(partitions)


async def read_one(settings: Settings, topic: str, partition: int, offset: int) -> Record | None:
    """As `LogLookup.read_one`, with a connection of its own."""
    async with LogLookup(settings) as lookup:
        return await lookup.read_one(topic, partition, offset)
