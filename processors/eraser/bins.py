"""Emptying the bin: the bytes of what its owner threw away and did not take back in time.

The read models say what is in the bin; so nothing is deleted before they know all that the log
held when the turn began, or a picture that was taken back a moment ago could go.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final
from uuid import UUID

import structlog

from commands.policy import BIN_DAYS
from events.topics import EVENTS
from processors.eraser import metrics
from processors.eraser.erasing import QUERIES
from runtime.kafka.clock import BrokerClock
from runtime.kafka.lookup import end_offsets
from runtime.objects import ObjectStore
from runtime.postgres.pool import Pool, transaction
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

DAY_MS: Final = 24 * 60 * 60 * 1000
KEPT_MS: Final = (BIN_DAYS + 1) * DAY_MS
"""A day more than it can be taken back, for what was on its way to the log."""
PAGE: Final = 100
CAUGHT_UP_SECONDS: Final = 30.0
"""How long the read models are waited for; then the next turn does it."""
LOOK_SECONDS: Final = 0.1
_FIRST: Final = UUID(int=0)


class Bin:
    """Empties it; each step may be done again after a crash anywhere.

    Args:
        settings: name the log.
        pool: as the role `pixelpop_eraser`.
        objects: where the pictures are.
        clock: the log's.
    """

    def __init__(
        self, settings: Settings, pool: Pool, objects: ObjectStore, clock: BrokerClock
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._objects = objects
        self._clock = clock

    async def empty(self) -> int:
        """Delete the bytes of what has been there for too long; returns of how many pictures.

        Raises:
            PixelpopError: a server is away; what is not deleted yet is found again.
        """
        until_ms = self._clock.now_ms() - KEPT_MS
        async with transaction(self._pool) as connection:
            from_ms = await connection.fetchval(QUERIES.bin_emptied_until)
        count, after = 0, (from_ms, _FIRST)
        if not await self._page(*after, until_ms):
            return 0
        if not await self._caught_up():
            _log.warning("the bin waits: the read models are behind the log")
            return 0
        while rows := await self._page(*after, until_ms):
            keys = [key for row in rows for key in row["object_keys"]]
            await asyncio.gather(*[self._objects.delete(key) for key in keys])
            count += len(rows)
            metrics.BINNED.inc(len(rows))
            after = (rows[-1]["binned_at_ms"], rows[-1]["image_id"])
        async with transaction(self._pool) as connection:
            await connection.execute(QUERIES.bin_is_emptied_until, until_ms)
        return count

    async def _page(self, after_ms: int, after: UUID, until_ms: int) -> list[Any]:
        async with transaction(self._pool) as connection:
            return list(await connection.fetch(QUERIES.binned, after_ms, after, until_ms, PAGE))

    async def _caught_up(self) -> bool:
        """Whether the read models know, in a while, all that is in the log by now."""
        partitions = [(EVENTS, number) for number in range(self._settings.kafka_partitions)]
        ends = await end_offsets(self._settings, partitions)
        deadline = time.monotonic() + CAUGHT_UP_SECONDS
        while True:
            async with transaction(self._pool) as connection:
                rows = await connection.fetch(QUERIES.read_until)
            passed = {row["partition"]: row["next_offset"] for row in rows}
            if all(passed.get(tp.partition, 0) >= end for tp, end in ends.items()):
                return True
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(LOOK_SECONDS)
