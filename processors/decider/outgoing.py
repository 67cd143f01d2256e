"""A decision as a record of the log."""

from __future__ import annotations

from typing import Final

from events.envelope import headers_for
from processors.decider.partition import Draft
from runtime.kafka.records import Outgoing

SOURCE: Final = "/pixelpop/decider"


def outgoing(draft: Draft, now_ms: int) -> Outgoing:
    """Key, value bytes and headers of a decision; `now_ms` is the broker's time."""
    decided = draft.decided
    return Outgoing(
        decided.event.account_id.encode(),
        draft.value,
        headers_for(
            decided.event,
            decided.event_id,
            source=SOURCE,
            time_ms=now_ms,
            correlation_id=decided.correlation_id,
            causation_id=decided.causation_id,
            traceparent=decided.traceparent,
        ),
    )
