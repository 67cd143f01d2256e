"""What goes into the log, where it stands there, and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, overload

import msgspec
from aiokafka.structs import ConsumerRecord

Headers = tuple[tuple[str, bytes], ...]
"""Kafka record headers in the order in which they are stored; a name may occur twice."""


class Position(NamedTuple):
    """Where an appended record stands in its topic."""

    partition: int
    offset: int
    appended_at_ms: int
    """The broker's time of the append, ms since 1970 (`LogAppendTime`); -1 if the topic keeps
    the sender's time instead, which none of ours does."""


class Positions(Sequence[Position]):
    """Where many appended records stand, in their order, without an object for each of them."""

    __slots__ = ("_count", "_spans")

    def __init__(self) -> None:
        self._spans: list[tuple[int, Position]] = []  # (index of its first record, that record)
        self._count = 0

    def extend(self, first: Position, count: int) -> None:
        """Add `count` records that stand one behind the other from `first` on."""
        self._spans.append((self._count, first))
        self._count += count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Position: ...
    @overload
    def __getitem__(self, index: slice) -> list[Position]: ...
    def __getitem__(self, index: int | slice) -> Position | list[Position]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(self._count))]
        at = index + self._count if index < 0 else index
        if not 0 <= at < self._count:
            raise IndexError(index)
        start, first = next(span for span in reversed(self._spans) if span[0] <= at)
        return first._replace(offset=first.offset + at - start)


class Outgoing(msgspec.Struct, frozen=True):
    """A record to be appended."""

    key: bytes
    value: bytes
    headers: Headers = ()
    size_bytes: int = 0
    """At least what it takes in a batch, where its maker knows that; 0: counted when appended."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record as it was read.

    Hot paths use aiokafka's `ConsumerRecord` itself, which costs no copy; its `timestamp` is
    `appended_at_ms`.
    """

    topic: str
    partition: int
    offset: int
    appended_at_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def from_consumer(record: ConsumerRecord[bytes, bytes]) -> Record:
    """Copy what aiokafka read; a header without a value reads as an empty one."""
    return Record(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        appended_at_ms=record.timestamp,
        key=record.key,
        value=record.value,
        headers=tuple((name, value or b"") for name, value in record.headers),
    )


_OVERHEAD_BYTES = 32
"""At most: the lengths, deltas and attributes that Kafka writes around key and value."""
_HEADER_OVERHEAD_BYTES = 10
"""At most: the two lengths around one header."""


def size_bytes(record: Outgoing) -> int:
    """At least the bytes that `record` takes in a batch, before compression."""
    headers = record.headers
    return (
        _OVERHEAD_BYTES
        + len(record.key)
        + len(record.value)
        + _HEADER_OVERHEAD_BYTES * len(headers)
        # A character of a name takes up to four bytes; encoding it only to count would cost more.
        + sum([4 * len(name) + len(value) for name, value in headers])
    )
