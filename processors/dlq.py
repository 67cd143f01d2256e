"""Dead letters: what could not be processed, kept for ever with the reason; and the way back."""

from __future__ import annotations

import time

import msgspec

from events.envelope import header, rfc3339
from events.topics import DLQ
from processors.worker import metrics
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing, Position, Record

ERROR_CHARS_MAX = 2_000
"""The longest reason that is kept."""
PREFIX = "dlq_"
"""What the headers begin with that this topic adds."""


class DeadLetter(msgspec.Struct, frozen=True):
    """A record of the DLQ and what its headers say about it."""

    record: Record

    @property
    def position(self) -> str:
        """`PARTITION:OFFSET` in the DLQ."""
        return f"{self.record.partition}:{self.record.offset}"

    def said(self, name: str) -> str | None:
        """`code`, `error`, `origin` (`topic/partition/offset`), `attempts` or `time`."""
        return header(self.record.headers, PREFIX + name)

    @property
    def kind(self) -> str | None:
        """The CloudEvents type of the failed record, if it has one."""
        return header(self.record.headers, "ce_type")


async def write(
    producer: LogProducer, record: Record, *, code: str, error: str, attempts: int
) -> Position:
    """Put a copy of `record` into the DLQ and wait for the broker's ack.

    Raises:
        LogError: as `LogProducer.append`; the record must not be acked then.
    """
    said = {
        "error": error[:ERROR_CHARS_MAX],
        "code": code,
        "origin": f"{record.topic}/{record.partition}/{record.offset}",
        "attempts": str(attempts),
        "time": rfc3339(time.time_ns() // 1_000_000),
    }
    kept = [(name, value) for name, value in record.headers if not name.startswith(PREFIX)]
    added = [(PREFIX + name, text.encode()) for name, text in said.items()]
    outgoing = Outgoing(key=record.key or b"", value=record.value or b"", headers=(*kept, *added))
    position = await producer.append(DLQ, outgoing)
    metrics.DEAD_LETTERS.labels(code).inc()
    return position
