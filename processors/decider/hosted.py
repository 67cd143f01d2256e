"""One owned partition and what its host knows about it."""

from __future__ import annotations

import asyncio
import time

from processors.decider.partition import Partition

IN_FLIGHT_MAX = 20_000
"""Own decisions of a partition that were not read back; beyond it, deciding waits for reading."""
RETRY_SECONDS_MIN = 0.05
RETRY_SECONDS_MAX = 5.0


class Hosted:
    """One owned partition and what the host knows about it."""

    def __init__(self, partition: Partition, number: int, caught_up_at: int) -> None:
        self.partition = partition
        self.number = number
        self.caught_up_at = caught_up_at
        """The end of the log when the partition was assigned: before it, nothing is decided."""
        self.live = False
        self.appends: set[asyncio.Task[None]] = set()
        self.snapshot: asyncio.Task[None] | None = None
        self.snapshot_offset = partition.next_offset
        self.failures = 0
        self.retry_at = 0.0

    def may_decide(self) -> bool:
        """Whether the partition is caught up, not backing off, and not too far ahead."""
        return (
            self.live
            and time.monotonic() >= self.retry_at
            and self.partition.in_flight < IN_FLIGHT_MAX
        )

    def back_off(self) -> float:
        """An append failed: decide nothing for a while; returns how long, in seconds."""
        self.failures += 1
        pause = min(RETRY_SECONDS_MAX, RETRY_SECONDS_MIN * 2.0 ** min(self.failures, 10))
        self.retry_at = time.monotonic() + pause
        return pause
