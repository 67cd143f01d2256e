"""Read given partitions from given offsets, whoever else reads them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from runtime.kafka.connect import client_options
from runtime.kafka.drain import Batch, Drain, check_starts, close, reader_options
from runtime.kafka.errors import LogUnreachable
from runtime.settings import Settings


class PartitionReader:
    """Reads each partition in order from where it is told to, and never jumps by itself.

    Args:
        settings: brokers and limits.
        starts: partition → the first offset to read.
        name: for metrics and logs.
        fetch_max_wait_ms: how long the broker waits for `fetch_min_bytes`; short where latency
            matters.
        fetch_min_bytes: 1 answers as soon as there is anything; 500,000 and more suits a replay.
    """

    def __init__(
        self,
        settings: Settings,
        starts: Mapping[tuple[str, int], int],
        *,
        name: str = "reader",
        fetch_max_wait_ms: int = 100,
        fetch_min_bytes: int = 1,
    ) -> None:
        self._settings = settings
        self._starts = {TopicPartition(*tp): offset for tp, offset in starts.items()}
        consumer = AIOKafkaConsumer(
            **client_options(settings, role=name),
            **reader_options(
                settings, fetch_max_wait_ms=fetch_max_wait_ms, fetch_min_bytes=fetch_min_bytes
            ),
        )
        self._drain = Drain(consumer, settings, name)

    async def start(self) -> None:
        """Connect and begin to read.

        Raises:
            CursorLost: a start is outside the log.
            LogUnreachable: no answer in `kafka_start_timeout_seconds`, or no such partition.
        """
        consumer = self._drain.consumer
        try:
            async with asyncio.timeout(self._settings.kafka_start_timeout_seconds):
                await consumer.start()
                consumer.assign(list(self._starts))
                for tp, offset in self._starts.items():
                    consumer.seek(tp, offset)
                await check_starts(consumer, self._starts)
        except (TimeoutError, KafkaError) as error:
            await close(consumer)
            raise LogUnreachable(
                f"Could not read {', '.join(f'{tp.topic}/{tp.partition}' for tp in self._starts)} "
                f"at {self._settings.kafka_bootstrap_servers}: {error!r}."
            ) from error
        except BaseException:
            await close(consumer)
            raise
        self._drain.begin(self._starts)
        self._drain.start()

    async def stop(self) -> None:
        """Stop reading; what was not taken is dropped."""
        await self._drain.stop()

    async def get(self, max_records: int | None = None, timeout_seconds: float = 1.0) -> Batch:
        """The next records, in log order within each partition; empty when none came in time.

        Raises:
            CursorLost: the partition no longer holds the next offset; everything before it has
                been delivered.
            LogUnreadable: the broker's data or answers cannot be used.
        """
        return await self._drain.get(max_records, timeout_seconds)

    def batches(self, max_records: int | None = None) -> AsyncIterator[Batch]:
        """Every batch, for ever; errors as `get`."""
        return self._drain.batches(max_records)

    def position(self, topic: str, partition: int) -> int | None:
        """The offset after the last record that `get` returned."""
        return self._drain.position(TopicPartition(topic, partition))
