"""`pixelpop dlq list|show|retry`: what a person sees of the dead letters, and the way back."""

from __future__ import annotations

import re
import sys

import msgspec
from rich.console import Console
from rich.table import Table

from events.topics import DLQ
from processors import dlq_retry
from processors.dlq import DeadLetter
from runtime.errors import PixelpopError
from runtime.kafka.consumer import PartitionReader
from runtime.kafka.lookup import LogLookup
from runtime.kafka.records import from_consumer
from runtime.settings import Settings

LISTED_MAX = 1_000
"""How many dead letters `list` shows: the newest of each partition, evenly."""

_POSITION = re.compile(r"(?P<partition>\d{1,6}):(?P<offset>\d{1,18})")


class NoSuchLetter(PixelpopError):
    """There is no dead letter at that position."""

    code = "no-such-dead-letter"


class Row(msgspec.Struct, frozen=True):
    """A dead letter as `--json` prints it; times are RFC 3339."""

    position: str
    time: str | None
    code: str | None
    kind: str | None
    origin: str | None
    attempts: str | None
    error: str | None


async def show_all(settings: Settings, *, as_json: bool = False) -> int:
    """Print the dead letters, oldest first in each partition; the exit status is 0."""
    rows = [_row(letter) for letter in await _newest(settings)]
    if as_json:
        _print_json(rows)
        return 0
    table = Table("position", "time", "code", "kind", "origin", box=None, pad_edge=False)
    for row in rows:
        cells = (row.position, row.time, row.code, row.kind, row.origin)
        table.add_row(*(cell or "" for cell in cells))
    Console(soft_wrap=True, highlight=False).print(table if rows else "There are no dead letters.")
    return 0


async def show_one(settings: Settings, position: str, *, as_json: bool = False) -> int:
    """Print one dead letter, its headers and its bytes."""
    letter = await _read(settings, position)
    record = letter.record
    shown = {
        **msgspec.structs.asdict(_row(letter)),
        "key": _text(record.key),
        "headers": {name: _text(content) for name, content in record.headers},
        "value": _text(record.value),
    }
    if as_json:
        _print_json(shown)
        return 0
    for name, content in shown.items():
        sys.stdout.write(f"{name:<9} {content}\n")
    return 0


async def retry(settings: Settings, position: str) -> int:
    """Put one record back, or ask anew for what it asked; it stays in the DLQ as well."""
    letter = await _read(settings, position)
    sys.stdout.write(f"{await dlq_retry.put_back(settings, letter)}\n")
    return 0


async def _newest(settings: Settings) -> list[DeadLetter]:
    share = max(1, LISTED_MAX // settings.kafka_partitions)
    partitions = [(DLQ, number) for number in range(settings.kafka_partitions)]
    async with LogLookup(settings) as lookup:
        first = await lookup.beginning_offsets(partitions)
        end = await lookup.end_offsets(partitions)
    starts = {tp: max(first[tp], end[tp] - share) for tp in first if end[tp] > first[tp]}
    if not starts:
        return []
    reader = PartitionReader(settings, starts, name="dlq")
    await reader.start()
    letters: list[DeadLetter] = []
    try:
        while any((reader.position(*tp) or 0) < end[tp] for tp in starts):
            batch = await reader.get()
            letters += [
                DeadLetter(from_consumer(record))
                for records in batch.values()
                for record in records
            ]
    finally:
        await reader.stop()
    return sorted(letters, key=lambda letter: (letter.record.partition, letter.record.offset))


async def _read(settings: Settings, position: str) -> DeadLetter:
    asked = _POSITION.fullmatch(position)
    if asked is None:
        raise NoSuchLetter(f"{position} is no position: PARTITION:OFFSET is wanted.")
    partition, offset = int(asked["partition"]), int(asked["offset"])
    if partition >= settings.kafka_partitions:
        raise NoSuchLetter(f"There is no partition {partition}.")
    async with LogLookup(settings) as lookup:
        record = await lookup.read_one(DLQ, partition, offset)
    if record is None:
        raise NoSuchLetter(f"There is no dead letter at {position}.")
    return DeadLetter(record)


def _row(letter: DeadLetter) -> Row:
    return Row(
        position=letter.position,
        time=letter.said("time"),
        code=letter.said("code"),
        kind=letter.kind,
        origin=letter.said("origin"),
        attempts=letter.said("attempts"),
        error=letter.said("error"),
    )


def _text(content: bytes | None) -> str | None:
    """Bytes as text; what is no UTF-8 is shown escaped."""
    return None if content is None else content.decode("utf-8", errors="backslashreplace")


def _print_json(value: object) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    sys.stdout.buffer.flush()
