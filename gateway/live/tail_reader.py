"""Keeps the tail fed: reads the log from some minutes ago on, and begins anew when it cannot."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import msgspec
import structlog

from events.live import decode_live
from events.topics import EVENTS, LIVE
from gateway.live.hub import Hub, Item
from gateway.live.tail import Tail
from gateway.operations import metrics
from runtime.errors import PixelpopError
from runtime.kafka.clock import BrokerClock
from runtime.kafka.consumer import LogLookup, PartitionReader, TopicPartition
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

FETCH_MAX_WAIT_MS: Final = 50
FOLD_RECORDS: Final = 500
"""Records folded without a pause for the requests that are being served."""
RETRY_SECONDS_MIN: Final = 0.2
RETRY_SECONDS_MAX: Final = 5.0
REREAD_RECORDS_MAX: Final = 500_000
REREADS_MAX: Final = 2
"""Resumptions that read the log at once; the others wait."""


class TailReader:
    """Feeds a tail and a hub.

    Args:
        settings: brokers, window.
        clock: learns the broker's time from what is read.
        tail: knows decisions.
        hub: knows who watches.
    """

    def __init__(self, settings: Settings, clock: BrokerClock, tail: Tail, hub: Hub) -> None:
        self._settings = settings
        self._clock = clock
        self._tail = tail
        self._hub = hub
        self._behind: dict[int, int] = {}
        self._positions: dict[int, int] = {}
        self._reading = False
        self._task: asyncio.Task[None] | None = None
        self._rereads = asyncio.Semaphore(REREADS_MAX)

    def start(self) -> None:
        """Begin to read."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="gateway tail")

    async def stop(self) -> None:
        """Read no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    @property
    def caught_up(self) -> bool:
        """Whether it has read what the log held when it began."""
        return self._reading and not self._behind

    def position(self, partition: int) -> int:
        """The offset after the last record of the event log that was taken in."""
        return self._positions.get(partition, 0)

    async def _run(self) -> None:
        wait_seconds = RETRY_SECONDS_MIN
        while True:
            began = time.monotonic()
            try:
                await self._read()
            except PixelpopError as error:
                _log.warning("tail of the log lost, beginning anew", error=str(error))
            except Exception:  # noqa: BLE001  logged; without its tail the gateway is blind
                _log.exception("tail of the log failed, beginning anew")
            finally:
                self._reading = False
            metrics.TAIL_RESTARTS.inc()
            if time.monotonic() - began > RETRY_SECONDS_MAX:
                wait_seconds = RETRY_SECONDS_MIN
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, RETRY_SECONDS_MAX)

    async def _read(self) -> None:
        starts = await self._find_starts()
        reader = PartitionReader(
            self._settings, starts, name="gateway-tail", fetch_max_wait_ms=FETCH_MAX_WAIT_MS
        )
        await reader.start()
        try:
            self._reading = True
            async for batch in reader.batches(FOLD_RECORDS):
                for tp, records in batch.items():
                    self._take(tp, records)
                await asyncio.sleep(0)
        finally:
            await reader.stop()

    async def _find_starts(self) -> dict[tuple[str, int], int]:
        partitions = range(self._settings.kafka_partitions)
        events = [(EVENTS, partition) for partition in partitions]
        live = [(LIVE, partition) for partition in partitions]
        now_ms = self._clock.now_ms() if self._clock.is_set else time.time_ns() // 1_000_000
        since_ms = now_ms - self._settings.tail_window_seconds * 1000
        async with LogLookup(self._settings) as lookup:
            starts = await lookup.offsets_since(events, since_ms)
            ends = await lookup.end_offsets([*events, *live])
        self._hub.begin({tp.partition: offset for tp, offset in starts.items()})
        self._positions = {tp.partition: offset for tp, offset in starts.items()}
        self._behind = {tp.partition: ends[tp] for tp in starts if starts[tp] < ends[tp]}
        return {
            **{(tp.topic, tp.partition): offset for tp, offset in starts.items()},
            **{tp: ends[TopicPartition(*tp)] for tp in live},
        }

    def _take(self, tp: TopicPartition, records: list[Any]) -> None:
        self._clock.observe(records[-1].timestamp)
        if tp.topic == LIVE:
            self._take_progress(records)
            return
        self._tail.measuring = not self._behind  # else it was measured when it happened
        self._tail.fold(tp.partition, records)
        position = self._positions[tp.partition] = records[-1].offset + 1
        if self._behind and position >= self._behind.get(tp.partition, position + 1):
            del self._behind[tp.partition]

    def _take_progress(self, records: list[Any]) -> None:
        for record in records:
            if not record.value:
                continue  # a tick of somebody's clock
            try:
                self._hub.progress(decode_live(record.value))
            except msgspec.DecodeError:
                metrics.TAIL_UNREADABLE.inc()

    async def reread(self, account_id: str, partition: int, offset: int) -> list[Item] | None:
        """The account's changes from `offset` up to what the hub keeps, from the log itself.

        None: that is longer ago than the window, or too much to read for one reader.

        Raises:
            PixelpopError: the log cannot be read.
        """
        stop = self._hub.covered_from(partition)
        if stop is None or stop - offset > REREAD_RECORDS_MAX:
            return None
        items: list[Item] = []
        tail = Tail(
            self._settings.tail_generations_max,
            on_change=lambda *what: items.append(Item(*what)),
            on_erased=lambda _: None,
        )
        key = account_id.encode()
        async with self._rereads, LogLookup(self._settings) as lookup:
            window_ms = self._settings.tail_window_seconds * 1000
            tp = (EVENTS, partition)
            oldest = await lookup.offsets_since([tp], self._clock.now_ms() - window_ms)
            if offset < oldest[TopicPartition(*tp)]:
                return None
            reader = PartitionReader(self._settings, {tp: offset}, name="gateway-resume")
            await reader.start()
            try:
                async for batch in reader.batches(FOLD_RECORDS):
                    for records in batch.values():
                        mine = [one for one in records if one.key == key and one.offset < stop]
                        tail.fold(partition, mine)
                        if records[-1].offset >= stop - 1:
                            return items
                    await asyncio.sleep(0)
            finally:
                await reader.stop()
        return items
