"""A decision on its way into the log: the event with what its headers need."""

from __future__ import annotations

from typing import Any

import msgspec

from events.base import Decision
from events.codec import Event
from events.ids import EventId, decision_id
from events.state import Account


class Decided(msgspec.Struct, frozen=True, gc=False):
    """One decision; exactly one event, so it is atomic without transactions."""

    event: Event
    event_id: EventId
    correlation_id: str
    """What the decision is about: a generation, or a source of credits."""
    causation_id: str | None
    """The `ce_id` of the event it follows from."""
    traceparent: str | None = None


def chained(
    kind: type[Decision],
    account: Account,
    cause_hash: str,
    decided_at_ms: int,
    *,
    about: str,
    causation_id: str | None = None,
    traceparent: str | None = None,
    **fields: Any,
) -> Decided:
    """Continue the account's chain with an event of `kind`."""
    event: Any = kind(
        account_id=account.account_id,
        sequence=account.sequence + 1,
        previous_hash=account.head,
        cause_hash=cause_hash,
        decided_at_ms=decided_at_ms,
        **fields,
    )
    return decided(event, about, causation_id, traceparent)


def decided(
    event: Any, about: str, causation_id: str | None, traceparent: str | None = None
) -> Decided:
    """An event that is a link of its account's chain, with what its headers need."""
    event_id = decision_id(event.previous_hash, event.cause_hash, type(event).__name__)
    return Decided(event, event_id, about, causation_id, traceparent)
