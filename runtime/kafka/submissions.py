"""One call of append on its way: what of it is sent, acked or still waiting."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from aiokafka.producer.message_accumulator import BatchBuilder

from runtime.kafka.clients import Client
from runtime.kafka.errors import LogError
from runtime.kafka.records import Outgoing, Position, Positions


class Submission:
    """One call of append or append_batch, until it has an outcome and nothing is under way.

    Args:
        records: what to append, in order.
        size: its bytes, as counted against the buffer.
        deadline: on the event loop's clock.
        future: gets the positions, or the error.
    """

    __slots__ = (
        "alone",
        "deadline",
        "future",
        "in_flight",
        "positions",
        "queued",
        "records",
        "sent",
        "size",
    )

    def __init__(
        self,
        records: Sequence[Outgoing],
        size: int,
        deadline: float,
        future: asyncio.Future[Positions],
    ) -> None:
        self.records = records
        self.size = size
        self.deadline = deadline
        self.future = future
        self.alone = False
        """Whether it shares no batch, since one that it shared was refused."""
        self.queued = True
        """Whether some of it waits to be sent."""
        self.sent = 0
        """How many of its records were handed over; they may be in the log."""
        self.in_flight = 0
        """How many batches under way hold some of it."""
        self.positions = Positions()
        """Where its acked records stand; they are acked in order."""

    @property
    def over(self) -> bool:
        """Whether nothing of it waits or is under way, so that its room may be given back."""
        return not self.queued and self.in_flight == 0

    def add(self, first: Position, count: int) -> None:
        """Add acked records, `count` from `first` on; the last ones complete it."""
        self.positions.extend(first, count)
        if len(self.positions) == len(self.records) and not self.future.done():
            self.future.set_result(self.positions)

    def fail(self, kind: type[LogError], reason: str) -> None:
        """Give up, unless it has an outcome; what is under way may still reach the log."""
        if self.future.done():
            return
        acked = len(self.positions)
        if acked:
            reason += f" The first {acked} of {len(self.records)} records are in the log."
        self.future.set_exception(kind(reason))


class Part(NamedTuple):
    """The records `start` up to `stop` of one submission, in one batch."""

    submission: Submission
    start: int
    stop: int


class Batch(NamedTuple):
    """A batch under way."""

    serial: int
    """Its place among the batches of its partition."""
    client: Client
    parts: list[Part]
    sent_at: float
    """When it was handed over, on the monotonic clock, s."""

    @property
    def size(self) -> int:
        """How many records it holds."""
        return sum(part.stop - part.start for part in self.parts)


def fill(builder: BatchBuilder, queue: deque[Submission]) -> list[Part]:
    """Move what waits in `queue` into `builder`, in order, as much as fits.

    Stops at one that has an outcome already; the caller drops it.
    """
    append = builder.append
    now_ms = time.time_ns() // 1_000_000  # the broker puts its own time in its place
    parts: list[Part] = []
    while queue and not queue[0].future.done():
        submission = queue[0]
        if submission.alone and parts:
            break
        records, start = submission.records, submission.sent
        stop = len(records)
        index = start
        try:
            while index < stop:
                one = records[index]
                # aiokafka wants a list of headers.
                if not append(
                    timestamp=now_ms, key=one.key, value=one.value, headers=[*one.headers]
                ):
                    break
                index += 1
        except (TypeError, ValueError) as error:  # no bytes, say: the caller's mistake, not a fault
            submission.future.set_exception(error)
        stop = index
        if stop > start:
            parts.append(Part(submission, start, stop))
            submission.sent = stop
            submission.in_flight += 1
        if stop < len(records):
            break
        queue.popleft()
        submission.queued = False
        if submission.alone:
            break
    return parts
