"""From a record of the log to deliveries: what is told, to whom; done when it is in PostgreSQL.

Nothing is sent from here. A record is acked once its deliveries are put down, so the cursor of the
log never waits for anybody's server, and a log that is read again puts nothing down again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

import structlog

from events.base import Decision
from events.envelope import header
from events.ids import is_uuid
from events.outward import HEADERS, encode_message, message_of
from events.reading import Poison, read
from events.recorded import Recorded
from processors import dlq
from processors.webhooks import metrics
from processors.webhooks.deliveries import Deliveries, Endpoint
from processors.worker.retrying import patiently
from processors.worker.work import Delivery
from runtime.errors import PixelpopError
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Record
from runtime.telemetry.logs import correlated

_log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

LOOK_SECONDS_FIRST: Final = 0.02
LOOK_SECONDS_MAX: Final = 1.0
"""How often the read models are asked whether they have seen a record."""


class Told:
    """What a record asks for: to be told, or nothing.

    Each record is looked at by itself, also where two have one event id: of two deciders that
    decided the same, one counts.
    """

    __slots__ = ("identity", "interesting")

    def __init__(self, delivery: Delivery) -> None:
        self.identity = delivery.origin
        kind = next((value for name, value in delivery.headers if name == "ce_type"), b"")
        self.interesting = kind in HEADERS


class Planner:
    """Puts down what is told of each record; `perform` is what the intake calls.

    Args:
        deliveries: where it is put down.
        producer: for the DLQ.
        clock: the log's.
        max_age_seconds: what was decided longer ago is not told any more.
        retry_seconds: how long a step is tried while a server is away.
        planned: called when there is something to send.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        producer: LogProducer,
        clock: BrokerClock,
        *,
        max_age_seconds: float,
        retry_seconds: float,
        planned: Callable[[], None],
    ) -> None:
        self._deliveries = deliveries
        self._producer = producer
        self._clock = clock
        self._max_age_ms = max_age_seconds * 1000
        self._retry_seconds = retry_seconds
        self._planned = planned

    async def perform(self, told: Told, delivery: Delivery) -> None:
        """Put down what is told of a record; returns when that is durable.

        Raises:
            PixelpopError: a server was away for too long; the record must not be acked.
        """
        self._clock.observe(delivery.appended_at_ms)
        if not told.interesting:
            return
        recorded = read(delivery.key, delivery.value, delivery.headers, delivery.appended_at_ms)
        if isinstance(recorded, Poison):
            return  # whoever it freezes or bothers says so; nobody outside is told of it
        try:
            with correlated(header(delivery.headers, "correlationid") or told.identity):
                await self._plan(recorded, delivery)
        except PixelpopError as error:
            if error.retryable:
                raise
            await self._put_aside(delivery, error)
        except Exception as error:  # noqa: BLE001  put aside; the others go on
            await self._put_aside(delivery, error)

    async def _plan(self, recorded: Recorded, delivery: Delivery) -> None:
        event = recorded.event
        message = message_of(event, recorded.appended_at_ms)
        if message is None or not isinstance(event, Decision) or not is_uuid(_id_of(recorded)):
            return
        account_id = UUID(event.account_id)
        endpoints = [
            one
            for one in await self._patiently(lambda: self._deliveries.endpoints_of(account_id))
            if one.wants(message.type, recorded.appended_at_ms)
        ]
        if not endpoints or not await self._counts(account_id, event, recorded, delivery):
            return
        if self._clock.now_ms() - recorded.appended_at_ms > self._max_age_ms:
            # Its row may have been deleted by age: it could be told twice.
            metrics.TOO_OLD.inc()
            return
        await self._put_down(account_id, recorded, message.type, encode_message(message), endpoints)

    async def _put_down(
        self,
        account_id: UUID,
        recorded: Recorded,
        event_type: str,
        payload: bytes,
        endpoints: list[Endpoint],
    ) -> None:
        event_id = UUID(_id_of(recorded))
        plan = partial(self._deliveries.plan, account_id, event_id, event_type, payload, endpoints)
        count = await self._patiently(plan)
        if count:
            metrics.PLANNED.labels(event_type).inc(count)
            self._planned()

    async def _counts(
        self, account_id: UUID, event: Decision, recorded: Recorded, delivery: Delivery
    ) -> bool:
        """Whether the decision counts, as soon as the read models know."""
        ask = partial(
            self._deliveries.counts,
            account_id,
            event.sequence,
            recorded.value_hash,
            delivery.partition,
            delivery.offset,
        )
        wait_seconds = LOOK_SECONDS_FIRST
        while (counts := await self._patiently(ask)) is None:
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, LOOK_SECONDS_MAX)
        if not counts:
            _log.info("a void decision is not told", origin=delivery.origin)
        return counts

    async def _patiently(self, step: Callable[[], Awaitable[Answer]]) -> Answer:
        return await patiently(step, seconds=self._retry_seconds)

    async def _put_aside(self, delivery: Delivery, error: Exception) -> None:
        _log.error("a decision cannot be told", origin=delivery.origin, exc_info=error)
        record = Record(
            topic=delivery.topic,
            partition=delivery.partition,
            offset=delivery.offset,
            appended_at_ms=delivery.appended_at_ms,
            key=delivery.key,
            value=delivery.value,
            headers=delivery.headers,
        )
        code = error.code if isinstance(error, PixelpopError) else "internal"
        await self._patiently(
            lambda: dlq.write(
                self._producer,
                record,
                code=f"webhooks-{code}",
                error=f"not told to webhooks: {type(error).__name__}",
                attempts=1,
            )
        )


def _id_of(recorded: Recorded) -> str:
    return recorded.event_id or ""
