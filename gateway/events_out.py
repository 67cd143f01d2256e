"""The facts that the gateway appends: each with its envelope, to the topic of facts."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from events.codec import Event, encode
from events.envelope import headers_for
from events.ids import EventId
from events.topics import EVENTS
from runtime.kafka.records import Outgoing, Position

SOURCE: Final = "/pixelpop/gateway"

traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""Of the request that is being answered (W3C Trace Context)."""


def outgoing(event: Event, event_id: EventId, *, correlation_id: str, time_ms: int) -> Outgoing:
    """The record of a fact; `time_ms` is when it happened."""
    return Outgoing(
        event.account_id.encode(),
        encode(event),
        headers_for(
            event,
            event_id,
            source=SOURCE,
            time_ms=time_ms,
            correlation_id=correlation_id,
            traceparent=traceparent.get(),
        ),
    )


__all__ = ["EVENTS", "SOURCE", "Position", "outgoing", "traceparent"]
