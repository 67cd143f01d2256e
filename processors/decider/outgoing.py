"""What the decider writes, as records: decisions, and the jobs that follow from them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from events.envelope import HeaderWriter
from events.generations import GenerationCompleted
from events.ids import AccountId, GenerationId
from events.jobs import DiscardJob, GenerateJobOut, encode_job
from processors.decider.effects import Dispatch
from processors.decider.partition import Draft
from runtime.kafka.records import Headers, Outgoing

SOURCE: Final = "/pixelpop/decider"
HEADERS_BYTES_MAX: Final = 1_500
"""What the headers written here, and Kafka's own bytes around a record, take at most: all of them
are ids, types and instants of bounded length. Counting each record's would cost a decision more
than folding it back does."""

_CONTENT: Final = ("content-type", b"application/json")
_SPEC: Final = ("ce_specversion", b"1.0")
_SOURCE: Final = ("ce_source", SOURCE.encode())
_GENERATE: Final = ("ce_type", b"pixelpop.job.Generate.v1")
_DISCARD: Final = ("ce_type", b"pixelpop.job.Discard.v1")


def decisions(drafts: Iterable[Draft], now_ms: int) -> list[Outgoing]:
    """Decisions as records of the log, in their order; `now_ms` is the broker's time."""
    write = HeaderWriter(SOURCE, now_ms).write
    records = []
    for draft in drafts:
        decided, value = draft.decided, draft.value
        event = decided.event
        key = event.account_id.encode()
        headers = write(
            event,
            decided.event_id,
            decided.correlation_id,
            decided.causation_id,
            decided.traceparent,
        )
        records.append(Outgoing(key, value, headers, HEADERS_BYTES_MAX + len(key) + len(value)))
    return records


def generate_job(dispatch: Dispatch) -> Outgoing:
    """The job of an admitted generation."""
    reservation = dispatch.reservation
    generation_id = GenerationId(dispatch.generation_id)
    job = GenerateJobOut(
        account_id=dispatch.account_id,
        generation_id=generation_id,
        deadline_ms=reservation.deadline_ms,
        request=msgspec.Raw(reservation.request),
        allowed=reservation.allowed,
        tier=reservation.tier,
    )
    key = generation_id.encode()
    return _job(_GENERATE, key, key, encode_job(job), dispatch.account_id, reservation.traceparent)


def discard_job(event: GenerationCompleted) -> Outgoing:
    """The removal of objects that came too late to be anybody's."""
    job = DiscardJob(
        account_id=event.account_id,
        generation_id=event.generation_id,
        object_keys=tuple(key for image in event.images for key in image.object_keys),
    )
    key = event.generation_id.encode()
    return _job(_DISCARD, key + b"/discard", key, encode_job(job), event.account_id, None)


def _job(
    kind: tuple[str, bytes],
    job_id: bytes,
    key: bytes,
    value: bytes,
    account_id: AccountId,
    traceparent: str | None,
) -> Outgoing:
    """A record of the jobs topic. One job of a kind for each generation: its id is theirs."""
    headers: Headers = (
        ("ce_id", job_id),
        kind,
        _SOURCE,
        _SPEC,
        ("ce_subject", account_id.encode()),
        _CONTENT,
        ("correlationid", key),
    )
    if traceparent is not None:
        headers += (("traceparent", traceparent.encode()),)
    return Outgoing(key, value, headers, HEADERS_BYTES_MAX + len(key) + len(value))
