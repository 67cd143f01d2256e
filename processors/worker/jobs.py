"""What a worker does with one delivery: perform, discard, or put it aside; then it is acked."""

from __future__ import annotations

from functools import partial

import structlog

from events.jobs import DiscardJob, GenerateJob
from processors import dlq
from processors.worker import metrics
from processors.worker.generation import Performance
from processors.worker.retrying import patiently
from processors.worker.storing import prefix
from processors.worker.tools import Tools
from processors.worker.work import Delivery, Poison, Work
from runtime.errors import PixelpopError
from runtime.kafka.records import Record
from runtime.telemetry.logs import correlated

_log = structlog.get_logger(__name__)

INTERNAL_REASON = "internal_error"
INTERNAL_DETAIL = "Something went wrong on our side. Your credits were returned; please try again."


class Jobs:
    """Performs the work of deliveries; `perform` is what the intake calls."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def perform(self, work: Work, delivery: Delivery) -> None:
        """Do the work; returns when its outcome is in the log.

        Raises:
            Exception: the outcome could not be put there; the delivery must not be acked.
        """
        self._tools.clock.observe(delivery.appended_at_ms)
        match work.content:
            case Poison(reason):
                _log.error("a job cannot be read", origin=delivery.origin, reason=reason)
                await self._put_aside(delivery, "poison", reason)
                outcome = "poison"
            case GenerateJob() as job:
                with correlated(job.generation_id):
                    outcome = await self._generate(job, delivery)
            case DiscardJob() as job:
                with correlated(job.generation_id):
                    outcome = await self._discard(job, delivery)
        metrics.JOBS.labels(outcome).inc()

    async def _generate(self, job: GenerateJob, delivery: Delivery) -> str:
        performance = Performance(self._tools, job, delivery.traceparent)
        try:
            outcome = await performance.run()
        except Exception as error:  # noqa: BLE001  put aside, with all that is known
            _log.exception("a job failed unexpectedly", origin=delivery.origin)
            await performance.give_up(INTERNAL_REASON, INTERNAL_DETAIL)
            await self._put_aside(delivery, *_said(error))
            return "gave_up"
        if performance.trouble is not None:
            await self._put_aside(delivery, *_said(performance.trouble))
        return outcome

    async def _discard(self, job: DiscardJob, delivery: Delivery) -> str:
        own = prefix(job.account_id, job.generation_id)
        if not all(key.startswith(own) for key in job.object_keys):
            await self._put_aside(delivery, "poison", "it names objects of something else")
            return "poison"
        try:
            for key in job.object_keys:
                await patiently(
                    partial(self._tools.objects.delete, key), seconds=self._tools.retry_seconds
                )
        except Exception as error:  # noqa: BLE001  as above
            _log.exception("objects not deleted", origin=delivery.origin)
            await self._put_aside(delivery, *_said(error))
            return "gave_up"
        return "discarded"

    async def _put_aside(self, delivery: Delivery, code: str, error: str) -> None:
        record = Record(
            topic=delivery.topic,
            partition=delivery.partition,
            offset=delivery.offset,
            appended_at_ms=delivery.appended_at_ms,
            key=delivery.key,
            value=delivery.value,
            headers=delivery.headers,
        )
        await patiently(
            lambda: dlq.write(self._tools.producer, record, code=code, error=error, attempts=1),
            seconds=self._tools.retry_seconds,
        )


def _said(error: Exception) -> tuple[str, str]:
    """Code and reason for the DLQ, which keeps them for ever: only our own errors are quoted."""
    if isinstance(error, PixelpopError):
        return error.code, str(error)
    return "internal", type(error).__name__
