"""An event as it stands in the log: the payload with what the broker and the bytes add to it."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from events.codec import Event


def hash_value(value: bytes) -> str:
    """SHA-256 in hex of stored value bytes; what the chain is made of."""
    return sha256(value).hexdigest()


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """One event, read back from the log; all that `evolve` may know about it."""

    event: Event
    value: bytes
    """As stored; empty where the reader did not keep them."""
    value_hash: str
    appended_at_ms: int
    """The broker's append time."""
    event_id: str | None = None
    """From the header `ce_id`; None where it is missing."""
    traceparent: str | None = None


def record(
    event: Event, value: bytes, appended_at_ms: int, event_id: str | None = None
) -> Recorded:
    """Pair an event with its stored bytes."""
    return Recorded(event, value, hash_value(value), appended_at_ms, event_id)
