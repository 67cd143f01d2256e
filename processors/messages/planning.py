"""From a record of the log to messages: what is told of it; done when it is in PostgreSQL.

Nothing is sent from here. A record is acked once its messages are put down, so the cursor of the
log never waits for Telegram, and a log that is read again puts nothing down again: each message has
one id, and what is older than the rows are kept, or than this database, is not told at all.
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
from events.reading import Poison, read
from events.recorded import Recorded
from processors import dlq
from processors.messages import metrics
from processors.messages.facts import Facts
from processors.messages.outbox import Outbox
from processors.messages.telling import HEADERS, STARTED, note_of
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


class Planner:
    """Puts down what is told of each record; `perform` is what the intake calls.

    Args:
        outbox: where it is put down.
        facts: tells which decisions count, and what was asked for in a chat.
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
        producer: LogProducer,
        clock: BrokerClock,
        age: Age,
        *,
        retry_seconds: float,
        planned: Callable[[], None],
    ) -> None:
        self._outbox = outbox
        self._facts = facts
        self._producer = producer
        self._clock = clock
        self._age = age
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
        if self._age.too_old(delivery.appended_at_ms):
            metrics.TOO_OLD.inc()
            return
        recorded = read(delivery.key, delivery.value, delivery.headers, delivery.appended_at_ms)
        if isinstance(recorded, Poison):
            return  # whoever it freezes or bothers says so; nobody in a chat is told of it
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
        event, event_id = recorded.event, recorded.event_id or ""
        note = note_of(event, event_id)
        if note is None or not is_uuid(event_id):
            return
        account_id = UUID(event.account_id)
        if note.kind == STARTED:
            # Told by editing alone, and a fact: most of them have nothing to edit.
            ask = partial(self._facts.status_message, account_id, UUID(note.about))
            if await self._patiently(ask) is None:
                return
        if isinstance(event, Decision) and not await self._counts(
            account_id, event, recorded, delivery
        ):
            return
        if await self._patiently(partial(self._outbox.plan, [(account_id, note)])):
            metrics.PLANNED.labels(note.kind).inc()
            self._planned()

    async def _counts(
        self, account_id: UUID, event: Decision, recorded: Recorded, delivery: Delivery
    ) -> bool:
        """Whether the decision counts, as soon as the read models know."""
        ask = partial(
            self._facts.counts,
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
        _log.error("a record cannot be told", origin=delivery.origin, exc_info=error)
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
                code=f"messages-{code}",
                error=f"not told in chats: {type(error).__name__}",
                attempts=1,
            )
        )
