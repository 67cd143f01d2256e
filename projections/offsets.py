"""Cursors with an ownership epoch: they live beside the rows and move with them (design §5).

Claiming a partition raises its epoch. Every batch moves the cursor only if the epoch is still its
own and the cursor stands where it should; so a projector that was paused, cut off or replaced
cannot write, whatever it still believes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import asyncpg
import msgspec

from events.base import ZERO_HASH
from events.recorded import hash_value
from events.state import FOLD_VERSION
from projections.errors import CursorMismatch, OwnershipLost
from runtime.kafka.consumer import LogLookup
from runtime.queries import load_queries
from runtime.settings import Settings

QUERIES = load_queries(Path(__file__).with_name("offsets.sql"))
PROJECTION = "read"


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """Where one partition goes on, as this owner knows it."""

    partition: int
    topic: str
    next_offset: int
    fold_version: int
    hash_before: str
    """SHA-256 in hex of the value bytes of the record at `next_offset - 1`; zeros at 0."""
    epoch: int


class Move(msgspec.Struct, frozen=True):
    """One batch's step on one partition."""

    partition: int
    epoch: int
    expected: int
    next_offset: int
    hash_before: str


async def claim(
    connection: asyncpg.Connection, topic: str, partitions: Collection[int], owner: str
) -> dict[int, Cursor]:
    """Become the owner; a partition that was never read gets a cursor at 0.

    Waits for a transaction of the former owner that is under way.
    """
    rows = await connection.fetch(
        QUERIES.claim,
        PROJECTION,
        sorted(partitions),
        topic,
        FOLD_VERSION,
        ZERO_HASH,
        owner,
    )
    return {row["partition"]: msgspec.convert(dict(row), Cursor) for row in rows}


async def check(
    cursors: Mapping[int, Cursor], settings: Settings, *, topic: str, schema: str
) -> None:
    """Hold every cursor against the log.

    Raises:
        CursorMismatch: another topic, another fold, or another record stands before the cursor.
    """
    for cursor in cursors.values():
        if cursor.topic != topic:
            raise CursorMismatch(
                f"The tables in {schema} were filled from the topic {cursor.topic}, not {topic}."
            )
        if cursor.fold_version != FOLD_VERSION:
            raise CursorMismatch(
                f"The tables in {schema} were folded by version {cursor.fold_version}, but this "
                f"program folds by version {FOLD_VERSION}. Run `pixelpop projections rebuild`."
            )
    begun = [cursor for cursor in cursors.values() if cursor.next_offset]
    if begun:
        async with LogLookup(settings) as lookup:
            for cursor in begun:
                await _check_record(cursor, lookup, schema)


async def _check_record(cursor: Cursor, lookup: LogLookup, schema: str) -> None:
    before = cursor.next_offset - 1
    record = await lookup.read_one(cursor.topic, cursor.partition, before)
    if record is None:
        problem = "the log does not hold it"
    elif hash_value(record.value or b"") != cursor.hash_before:
        problem = "the log holds another record there"
    else:
        return
    raise CursorMismatch(
        f"The tables in {schema} follow the log up to {cursor.topic}/{cursor.partition}/{before}, "
        f"but {problem}. They belong to another log, or records were lost. Nothing was changed. "
        "Bring the log back, or make the tables anew from this log with "
        "`pixelpop projections rebuild --without-comparison`."
    )


async def advance(connection: asyncpg.Connection, moves: Collection[Move]) -> None:
    """Move the cursors of one batch, in the batch's transaction.

    Raises:
        OwnershipLost: somebody else claimed one of the partitions; nothing may be written.
    """
    rows = await connection.fetch(
        QUERIES.advance,
        PROJECTION,
        *zip(*(msgspec.structs.astuple(move) for move in moves), strict=True),
    )
    lost = {move.partition for move in moves} - {row["partition"] for row in rows}
    if lost:
        raise OwnershipLost(
            f"Another projector owns the partitions {sorted(lost)} now, or moved their cursors."
        )


async def is_done(connection: asyncpg.Connection, moves: Collection[Move]) -> bool:
    """Whether a transaction whose outcome was not heard of has in fact moved the cursors."""
    done = await connection.fetchval(
        QUERIES.count_done,
        PROJECTION,
        [move.partition for move in moves],
        [move.epoch for move in moves],
        [move.next_offset for move in moves],
    )
    return bool(done == len(moves))
