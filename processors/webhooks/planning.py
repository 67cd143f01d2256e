"""From a record of the log to deliveries: what is told, and to whom; once per endpoint."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from events.base import Decision
from events.ids import is_uuid
from events.outward import HEADERS, encode_message, message_of
from events.recorded import Recorded
from processors.outward.decisions import Decisions
from processors.outward.planning import Planner as OutwardPlanner
from processors.outward.planning import Told
from processors.webhooks import metrics
from processors.webhooks.deliveries import Deliveries
from processors.worker.work import Delivery
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer


class Planner(OutwardPlanner):
    """Puts down the deliveries of each record.

    Args:
        deliveries: where they are put down.
        decisions: tells which of them count.
        producer: for the DLQ.
        clock: the log's.
        max_age_seconds: what was decided longer ago is not told any more.
        retry_seconds: how long a step is tried while a server is away.
        planned: called when there is something to send.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        decisions: Decisions,
        producer: LogProducer,
        clock: BrokerClock,
        *,
        max_age_seconds: float,
        retry_seconds: float,
        planned: Callable[[], None],
    ) -> None:
        super().__init__(
            decisions,
            producer,
            clock,
            role="webhooks",
            retry_seconds=retry_seconds,
            planned=planned,
        )
        self._deliveries = deliveries
        self._max_age_ms = max_age_seconds * 1000

    def wants(self, told: Told) -> bool:
        """Whether it may be told; how old it is counts only where somebody wants to hear it."""
        return told.kind in HEADERS

    async def plan(self, recorded: Recorded, delivery: Delivery) -> None:
        """Put it down for every endpoint that wants it and does not have it yet."""
        event, event_id = recorded.event, recorded.event_id or ""
        message = message_of(event, recorded.appended_at_ms)
        if message is None or not isinstance(event, Decision) or not is_uuid(event_id):
            return
        account_id = UUID(event.account_id)
        endpoints = [
            one
            for one in await self.patiently(lambda: self._deliveries.endpoints_of(account_id))
            if one.wants(message.type, recorded.appended_at_ms)
        ]
        if not endpoints or not await self.counts(event, recorded, delivery):
            return
        if self._clock.now_ms() - recorded.appended_at_ms > self._max_age_ms:
            # Its row may have been deleted by age: it could be told twice.
            metrics.TOO_OLD.inc()
            return
        put_down = partial(
            self._deliveries.plan,
            account_id,
            UUID(event_id),
            message.type,
            encode_message(message),
            endpoints,
        )
        count = await self.patiently(put_down)
        if count:
            metrics.PLANNED.labels(message.type).inc(count)
            self._planned()
