"""Single events read from the log itself, for what the read models do not have yet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from events.topics import EVENTS
from gateway.web.errors import Problem
from runtime.kafka.lookup import read_one
from runtime.settings import Settings

READS_MAX: Final = 4
"""How many at once: each takes a connection of its own, so a crowd is sent away instead."""
RETRY_AFTER_SECONDS: Final = 1


def event_reader(settings: Settings) -> Callable[[int, int], Awaitable[bytes | None]]:
    """What gives the value of the event at (partition, offset), or None."""
    room = asyncio.Semaphore(READS_MAX)

    async def read_event(partition: int, offset: int) -> bytes | None:
        if room.locked():
            raise Problem(
                "not-caught-up",
                "What you wrote is safe but not readable yet. Ask again shortly.",
                retry_after=RETRY_AFTER_SECONDS,
            )
        async with room:
            record = await read_one(settings, EVENTS, partition, offset)
        return None if record is None else record.value

    return read_event
