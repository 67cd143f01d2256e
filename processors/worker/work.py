"""A record of the jobs topic on its way through a worker, and what it asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from events.envelope import header
from events.jobs import API, DiscardJob, GenerateJob, Job, decode_job
from events.recorded import hash_value
from processors.worker.fairness import Share


class Delivery(msgspec.Struct, frozen=True):
    """One delivery of one record; after a rebalance the same record is delivered anew."""

    topic: str
    partition: int
    offset: int
    assignment: int
    """Which assignment it belongs to: the group's generation."""
    appended_at_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    ack: Callable[[], Any]
    """Lets Kafka forget the record. Only the window calls it."""

    @property
    def origin(self) -> str:
        """`topic/partition/offset`."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def traceparent(self) -> str | None:
        """The W3C trace context that the record came with."""
        return header(self.headers, "traceparent")


class Poison(msgspec.Struct, frozen=True):
    """Bytes that are no job which this version knows."""

    reason: str


class Work(msgspec.Struct, frozen=True):
    """What a delivery asks for."""

    identity: str
    """Equal for two deliveries of the same work, so that the second joins the first."""
    content: Job | Poison


def share_of(work: Work) -> Share:
    """Whose work it is, and how many pictures; what is no job of anybody's is nobody's."""
    match work.content:
        case GenerateJob() as job:
            return Share(job.tier, job.account_id, job.request.count)
        case DiscardJob() as job:
            return Share(API, job.account_id)
        case Poison():
            return Share()


def work_of(delivery: Delivery) -> Work:
    """Decode a delivery; never raises."""
    if delivery.value is None:
        return Work(delivery.origin, Poison("the record has no value"))
    try:
        job = decode_job(delivery.value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Work(delivery.origin, Poison(str(error)))
    if delivery.key != job.generation_id.encode():
        reason = "the record's key is not the generation that its payload names"
        return Work(delivery.origin, Poison(reason))
    if isinstance(job, GenerateJob):
        if _mixed(job):
            return Work(delivery.origin, Poison("the job and its request name different things"))
        return Work(f"generate/{job.generation_id}", job)
    return Work(f"discard/{job.generation_id}/{hash_value(delivery.value)}", job)


def _mixed(job: GenerateJob) -> bool:
    request = job.request
    return (request.account_id, request.generation_id) != (job.account_id, job.generation_id)
