"""The worker's facts: how they are made, named and appended.

Each has a deterministic id, and the bytes of a result are kept in its claim before they are
appended, so that appending again, by whomever, appends the same event.
"""

from __future__ import annotations

from events.codec import decode, encode
from events.envelope import headers_for
from events.generations import (
    GenerationCancelled,
    GenerationCompleted,
    GenerationFailed,
    GenerationStarted,
    Image,
    ProviderCallUncertain,
)
from events.ids import fact_id
from events.jobs import GenerateJob
from events.moderation import ModerationVerdict
from events.topics import EVENTS
from processors.moderation.moderator import Verdict
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing, Position

SOURCE = "/pixelpop/worker"

WorkerFact = (
    GenerationStarted
    | GenerationCompleted
    | GenerationFailed
    | GenerationCancelled
    | ProviderCallUncertain
    | ModerationVerdict
)


def step_of(fact: WorkerFact) -> str:
    """Which step of its generation a fact is; its event id is made of both."""
    match fact:
        case GenerationStarted():
            return f"started:{fact.attempt}"
        case GenerationCompleted():
            return "completed"
        case GenerationFailed():
            return "failed"
        case GenerationCancelled():
            return "cancelled"
        case ProviderCallUncertain():
            return f"uncertain:{fact.attempt}"
        case ModerationVerdict():
            return f"moderated:{fact.stage}:{fact.index}:{fact.round}:{fact.provider}"


def object_keys(result: bytes) -> set[str]:
    """The objects that a result names, from its value bytes."""
    event = decode(result)
    images = event.images if isinstance(event, GenerationCompleted) else ()
    return {key for image in images for key in image.object_keys}


class Facts:
    """What has happened to one generation, into the log.

    Appending may raise the errors of `LogProducer`; it is safe to repeat.

    Args:
        producer: the project's own.
        clock: tells the times that stand in the facts.
        job: what they are about.
        traceparent: the trace that they belong to.
    """

    def __init__(
        self, producer: LogProducer, clock: BrokerClock, job: GenerateJob, traceparent: str | None
    ) -> None:
        self._producer = producer
        self._clock = clock
        self._job = job
        self._traceparent = traceparent

    def completed(
        self,
        images: tuple[Image, ...],
        *,
        provider: str,
        attempt: int,
        safety: str,
        cost_micros: int = 0,
        made_ms: int = 0,
        finishing_ms: int = 0,
    ) -> bytes:
        """The value bytes of a `GenerationCompleted`."""
        return encode(
            GenerationCompleted(
                account_id=self._job.account_id,
                occurred_at_ms=self._clock.now_ms(),
                generation_id=self._job.generation_id,
                images=images,
                failed_count=max(self._job.request.count - len(images), 0),
                provider=provider,
                model=self._job.request.model,
                attempt=attempt,
                safety=safety,
                cost_micros=cost_micros,
                made_ms=made_ms,
                finishing_ms=finishing_ms,
            )
        )

    def failed(
        self, reason: str, detail: str, *, attempt: int, provider: str = "", cost_micros: int = 0
    ) -> bytes:
        """The value bytes of a `GenerationFailed`."""
        return encode(
            GenerationFailed(
                account_id=self._job.account_id,
                occurred_at_ms=self._clock.now_ms(),
                generation_id=self._job.generation_id,
                reason=reason,
                detail=detail,
                attempt=attempt,
                provider=provider,
                model=self._job.request.model,
                cost_micros=cost_micros,
            )
        )

    async def append_result(self, value: bytes) -> Position:
        """Append a result from its bytes."""
        event = decode(value)
        if not isinstance(event, GenerationCompleted | GenerationFailed):
            raise TypeError(f"{type(event).__name__} is no result")
        return await self._append(event, value)

    async def append_started(self, *, provider: str, attempt: int) -> Position:
        """Say that a worker began."""
        return await self._append(
            GenerationStarted(
                account_id=self._job.account_id,
                occurred_at_ms=self._clock.now_ms(),
                generation_id=self._job.generation_id,
                attempt=attempt,
                provider=provider,
            )
        )

    async def append_cancelled(self) -> Position:
        """Say again that nobody paid and nobody will."""
        return await self._append(
            GenerationCancelled(
                account_id=self._job.account_id,
                occurred_at_ms=self._clock.now_ms(),
                generation_id=self._job.generation_id,
            )
        )

    async def append_uncertain(self, *, provider: str, attempt: int, cost_micros: int) -> Position:
        """Put a call on the books of which nobody knows whether it was paid."""
        return await self._append(
            ProviderCallUncertain(
                account_id=self._job.account_id,
                occurred_at_ms=self._clock.now_ms(),
                generation_id=self._job.generation_id,
                attempt=attempt,
                provider=provider,
                model=self._job.request.model,
                cost_micros=cost_micros,
            )
        )

    async def append_verdict(self, verdict: Verdict, *, round_: int) -> Position:
        """Say what a checker said."""
        return await self._append(
            ModerationVerdict(
                account_id=self._job.account_id,
                occurred_at_ms=self._clock.now_ms(),
                generation_id=self._job.generation_id,
                stage=verdict.stage,
                verdict=verdict.verdict,
                rule_id=verdict.rule_id,
                reason=verdict.reason,
                provider=verdict.provider,
                list_version=verdict.version,
                index=verdict.index,
                round=round_,
            )
        )

    async def _append(self, event: WorkerFact, value: bytes | None = None) -> Position:
        generation_id = self._job.generation_id
        headers = headers_for(
            event,
            fact_id(generation_id, step_of(event)),
            source=SOURCE,
            time_ms=event.occurred_at_ms,
            correlation_id=generation_id,
            causation_id=fact_id(generation_id, "requested"),
            traceparent=self._traceparent,
        )
        value = encode(event) if value is None else value
        outgoing = Outgoing(key=self._job.account_id.encode(), value=value, headers=headers)
        return await self._producer.append(EVENTS, outgoing)
