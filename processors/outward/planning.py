"""From a record of the log to what is told of it; done when that is in PostgreSQL.

Nothing is sent from here. A record is acked once what it tells is put down, so the cursor of the
log never waits for anybody's server, and a log that is read again puts nothing down again.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

import structlog

from events.base import Decision
from events.envelope import header
from events.reading import Poison, read
from events.recorded import Recorded
from processors import dlq
from processors.outward.decisions import Decisions
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

    __slots__ = ("appended_at_ms", "identity", "kind")

    def __init__(self, delivery: Delivery) -> None:
        self.identity = delivery.origin
        self.appended_at_ms = delivery.appended_at_ms
        self.kind = next((value for name, value in delivery.headers if name == "ce_type"), b"")


class Planner(ABC):
    """Puts down what is told of each record; `perform` is what the intake calls.

    Args:
        decisions: tells which of them count.
        producer: for the DLQ.
        clock: the log's.
        role: the process, as the DLQ calls it.
        retry_seconds: how long a step is tried while a server is away.
        planned: called when there is something to send.
    """

    def __init__(
        self,
        decisions: Decisions,
        producer: LogProducer,
        clock: BrokerClock,
        *,
        role: str,
        retry_seconds: float,
        planned: Callable[[], None],
    ) -> None:
        self._decisions = decisions
        self._producer = producer
        self._clock = clock
        self._role = role
        self._retry_seconds = retry_seconds
        self._planned = planned

    @abstractmethod
    def wants(self, told: Told) -> bool:
        """Whether a record is worth decoding."""

    @abstractmethod
    async def plan(self, recorded: Recorded, delivery: Delivery) -> None:
        """Put down what is told of it, and call `planned` if that is anything new."""

    async def perform(self, told: Told, delivery: Delivery) -> None:
        """Put down what is told of a record; returns when that is durable.

        Raises:
            PixelpopError: a server was away for too long; the record must not be acked.
        """
        self._clock.observe(delivery.appended_at_ms)
        if not self.wants(told):
            return
        recorded = read(delivery.key, delivery.value, delivery.headers, delivery.appended_at_ms)
        if isinstance(recorded, Poison):
            return  # whoever it freezes or bothers says so; nobody outside is told of it
        try:
            with correlated(header(delivery.headers, "correlationid") or told.identity):
                await self.plan(recorded, delivery)
        except PixelpopError as error:
            if error.retryable:
                raise
            await self._put_aside(delivery, error)
        except Exception as error:  # noqa: BLE001  put aside; the others go on
            await self._put_aside(delivery, error)

    async def counts(self, event: Decision, recorded: Recorded, delivery: Delivery) -> bool:
        """Whether a decision counts, as soon as the read models know."""
        ask = partial(
            self._decisions.counts,
            UUID(event.account_id),
            event.sequence,
            recorded.value_hash,
            delivery.partition,
            delivery.offset,
        )
        wait_seconds = LOOK_SECONDS_FIRST
        while (counts := await self.patiently(ask)) is None:
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, LOOK_SECONDS_MAX)
        if not counts:
            _log.info("a void decision is not told", origin=delivery.origin)
        return counts

    async def patiently(self, step: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do what is safe to repeat, again while a server is away, for a bounded time."""
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
        await self.patiently(
            lambda: dlq.write(
                self._producer,
                record,
                code=f"{self._role}-{code}",
                error=f"not told by {self._role}: {type(error).__name__}",
                attempts=1,
            )
        )
