"""Compare two read schemas row by row, each as of one place in the log.

Each side is read in a snapshot of its own (REPEATABLE READ), so nothing has to stand still: the
serving schema goes on being filled while it is compared as of the snapshot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg
import msgspec

from projections import offsets, schema
from runtime.postgres.pool import Pool
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("compare.sql"))
STATEMENT_SECONDS_MAX: Final = 3_600.0
DIFFERENCES_MAX: Final = 20
"""How many differing rows are named; the tables they are in are named anyway."""


class Difference(msgspec.Struct, frozen=True):
    """One row that only one of two schemas has."""

    table: str
    only_in: str
    content: str


class Snapshot:
    """One schema as of one instant."""

    def __init__(self, connection: asyncpg.Connection, schema_name: str) -> None:
        self._connection = connection
        self.schema = schema_name

    async def offsets(self) -> dict[int, int]:
        """Partition → where its cursor stands."""
        rows = await self._connection.fetch(offsets.QUERIES.list, offsets.PROJECTION)
        return {row["partition"]: row["next_offset"] for row in rows}

    async def digests(self) -> dict[tuple[str, int], tuple[int, str]]:
        """(Table, share) → (rows, digest)."""
        rows = await self._connection.fetch(QUERIES.digests, timeout=STATEMENT_SECONDS_MAX)
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}

    async def rows(self, table: str, bucket: int) -> Counter[str]:
        """The rows of one share of a table."""
        found = await self._connection.fetch(
            QUERIES.rows, table, bucket, timeout=STATEMENT_SECONDS_MAX
        )
        return Counter(row[0] for row in found)


@asynccontextmanager
async def snapshot(pool: Pool, schema_name: str) -> AsyncIterator[Snapshot]:
    """Look at a schema as of now, for as long as it takes."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.execute(schema.QUERIES.set_search_path, schema_name)
        yield Snapshot(connection, schema_name)


async def compare(left: Snapshot, right: Snapshot) -> tuple[int, list[Difference]]:
    """How many rows were compared, and the first rows that only one side has."""
    of_left, of_right = await left.digests(), await right.digests()
    differing = [
        key
        for key in sorted(of_left.keys() | of_right.keys())
        if of_left.get(key) != of_right.get(key)
    ]
    differences: list[Difference] = []
    for table, bucket in differing:
        if len(differences) >= DIFFERENCES_MAX:
            break
        in_left, in_right = await left.rows(table, bucket), await right.rows(table, bucket)
        for side, only in ((left, in_left - in_right), (right, in_right - in_left)):
            differences += [Difference(table, side.schema, content) for content in sorted(only)]
    return sum(count for count, _ in of_left.values()), differences[:DIFFERENCES_MAX]
