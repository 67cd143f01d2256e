"""From a record of the log to messages: each has one id, however often its record is met.

What is older than the rows are kept, or than this database, is not told at all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from events.base import Decision
from events.ids import is_uuid
from events.recorded import Recorded
from processors.messages import metrics
from processors.messages.facts import Facts
from processors.messages.outbox import Outbox
from processors.messages.telling import HEADERS, STARTED, note_of
from processors.outward.decisions import Decisions
from processors.outward.planning import Planner as OutwardPlanner
from processors.outward.planning import Told
from processors.worker.work import Delivery
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer


class Age:
    """What is too old to be told.

    Args:
        clock: the log's.
        max_seconds: what was appended longer ago is not told.
        from_ms: nor what was appended before, by the log's clock.
    """

    def __init__(self, clock: BrokerClock, *, max_seconds: float, from_ms: int) -> None:
        self._clock = clock
        self._max_ms = max_seconds * 1000
        self._from_ms = from_ms

    def too_old(self, appended_at_ms: int) -> bool:
        """Whether a record is."""
        return (
            appended_at_ms < self._from_ms or self._clock.now_ms() - appended_at_ms > self._max_ms
        )


class Planner(OutwardPlanner):
    """Puts down the messages about each record.

    Args:
        outbox: where they are put down.
        facts: tells what was asked for in a chat.
        decisions: tells which of them count.
        producer: for the DLQ.
        clock: the log's.
        age: what is not told any more.
        retry_seconds: how long a step is tried while a server is away.
        planned: called when there is something to send.
    """

    def __init__(
        self,
        outbox: Outbox,
        facts: Facts,
        decisions: Decisions,
        producer: LogProducer,
        clock: BrokerClock,
        age: Age,
        *,
        retry_seconds: float,
        planned: Callable[[], None],
    ) -> None:
        super().__init__(
            decisions,
            producer,
            clock,
            role="messages",
            retry_seconds=retry_seconds,
            planned=planned,
        )
        self._outbox = outbox
        self._facts = facts
        self._age = age

    def wants(self, told: Told) -> bool:
        """Whether it may be told, and is young enough."""
        if told.kind not in HEADERS:
            return False
        if self._age.too_old(told.appended_at_ms):
            metrics.TOO_OLD.inc()
            return False
        return True

    async def plan(self, recorded: Recorded, delivery: Delivery) -> None:
        """Put the message down, unless it is there."""
        event, event_id = recorded.event, recorded.event_id or ""
        note = note_of(event, event_id)
        if note is None or not is_uuid(event_id):
            return
        account_id = UUID(event.account_id)
        if note.kind == STARTED:
            # Told by editing alone, and a fact: most of them have nothing to edit.
            ask = partial(self._facts.status_message, account_id, UUID(note.about))
            if await self.patiently(ask) is None:
                return
        if isinstance(event, Decision) and not await self.counts(event, recorded, delivery):
            return
        if await self.patiently(partial(self._outbox.plan, [(account_id, note)])):
            metrics.PLANNED.labels(note.kind).inc()
            self._planned()
