"""The headers of a record: CloudEvents 1.0 in Kafka's binary mode (design §1).

`ce_class` is our extension attribute: it says what a reader must do with a type that it does not
know. `correlationid` names the flow (a generation, a purchase), `causationid` the event before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, get_args

import msgspec

from events.base import EventClass
from events.codec import EVENT_TYPES, Event
from events.ids import EventId

Headers = tuple[tuple[str, bytes], ...]

TYPE_PREFIX: Final = "pixelpop."
CLASSES: Final[dict[bytes, EventClass]] = {name.encode(): name for name in get_args(EventClass)}
_TYPE_HEADERS: Final[dict[type, tuple[str, bytes]]] = {
    kind: ("ce_type", (TYPE_PREFIX + tag).encode()) for tag, kind in EVENT_TYPES.items()
}
_CLASS_HEADERS: Final[dict[type, tuple[str, bytes]]] = {
    kind: ("ce_class", kind.event_class.encode()) for kind in EVENT_TYPES.values()
}
_SPEC: Final = ("ce_specversion", b"1.0")
_CONTENT: Final = ("content-type", b"application/json")


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the headers of a record say; every part may be missing in a record that is not ours."""

    event_id: EventId | None = None
    type: str | None = None
    """The tag of the payload, e.g. `CreditsReserved.v1`."""
    event_class: EventClass | None = None
    source: str | None = None
    time: str | None = None
    subject: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None


class HeaderWriter:
    """Writes the headers of the events that one process kind makes at one instant.

    Args:
        source: names the process kind, e.g. `/pixelpop/decider`.
        time_ms: the instant, for `ce_time`.
    """

    __slots__ = ("_source", "_time")

    def __init__(self, source: str, time_ms: int) -> None:
        self._source = ("ce_source", source.encode())
        self._time = ("ce_time", rfc3339(time_ms).encode())

    def write(
        self,
        event: Event,
        event_id: EventId,
        correlation_id: str,
        causation_id: str | None = None,
        traceparent: str | None = None,
    ) -> Headers:
        """The headers of one event."""
        kind = type(event)
        headers: Headers = (
            ("ce_id", event_id.encode()),
            _TYPE_HEADERS[kind],
            self._source,
            _SPEC,
            self._time,
            ("ce_subject", event.account_id.encode()),
            _CLASS_HEADERS[kind],
            _CONTENT,
            ("correlationid", correlation_id.encode()),
        )
        if causation_id is not None:
            headers += (("causationid", causation_id.encode()),)
        if traceparent is not None:
            headers += (("traceparent", traceparent.encode()),)
        return headers


def headers_for(
    event: Event,
    event_id: EventId,
    *,
    source: str,
    time_ms: int,
    correlation_id: str,
    causation_id: str | None = None,
    traceparent: str | None = None,
) -> Headers:
    """The headers of one event; `source` names the process kind, e.g. `/pixelpop/decider`."""
    writer = HeaderWriter(source, time_ms)
    return writer.write(event, event_id, correlation_id, causation_id, traceparent)


def type_header(event: Event) -> tuple[str, bytes]:
    """The `ce_type` header of an event."""
    return _TYPE_HEADERS[type(event)]


def type_header_of(kind: type) -> tuple[str, bytes]:
    """The `ce_type` header of events of a type."""
    return _TYPE_HEADERS[kind]


def class_in(headers: Sequence[tuple[str, bytes]]) -> EventClass | None:
    """What the record claims to be, without parsing the rest."""
    for name, value in headers:
        if name == "ce_class":
            return CLASSES.get(value)
    return None


def header(headers: Sequence[tuple[str, bytes]], wanted: str) -> str | None:
    """One header as text; None when it is missing or not UTF-8."""
    for name, value in headers:
        if name == wanted and value is not None:
            try:
                return value.decode()
            except UnicodeDecodeError:
                return None
    return None


def parse(headers: Sequence[tuple[str, bytes]]) -> Envelope:
    """Read all headers; what is missing or unreadable is None."""
    kind = header(headers, "ce_type")
    event_id = header(headers, "ce_id")
    return Envelope(
        event_id=None if event_id is None else EventId(event_id),
        type=kind.removeprefix(TYPE_PREFIX) if kind else None,
        event_class=class_in(headers),
        source=header(headers, "ce_source"),
        time=header(headers, "ce_time"),
        subject=header(headers, "ce_subject"),
        correlation_id=header(headers, "correlationid"),
        causation_id=header(headers, "causationid"),
        traceparent=header(headers, "traceparent"),
    )


def rfc3339(time_ms: int) -> str:
    """Milliseconds since the epoch as RFC 3339 in UTC, to the millisecond."""
    seconds, milliseconds = divmod(time_ms, 1000)
    return f"{_to_the_second(seconds)}.{milliseconds:03d}Z"


@lru_cache(maxsize=64)
def _to_the_second(seconds: int) -> str:
    """Cached: the decider writes thousands of headers a second, most of them in the same one."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
