"""Rows of one table as one batch changes them: coalesced in memory, written once.

A row is a mutable struct whose fields are the table's columns in order; None in a change means
"leave it as it is". So a column that an event can empty needs a value of its own for that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import asyncpg
import msgspec
from msgspec.structs import astuple

from runtime.queries import Queries

COPY_ROWS_MIN = 500
"""From how many rows on a temporary table and COPY cost less than arrays."""

Row = TypeVar("Row", bound=msgspec.Struct)
Key = tuple[str, str]
"""Account id and the id within the account; account ids come first in every primary key."""


class Rows(Generic[Row]):
    """New rows and changes to rows that the table holds already.

    Args:
        make: a change without content, from its key.
    """

    def __init__(self, make: Callable[[str, str], Row]) -> None:
        self._make = make
        self.new: dict[Key, Row] = {}
        self.changed: dict[Key, Row] = {}

    def insert(self, key: Key, row: Row) -> None:
        """Put a whole row; it replaces what was there."""
        self.changed.pop(key, None)
        self.new[key] = row

    def change(self, key: Key) -> Row:
        """The row to set columns of: this batch's own, or a change for the table."""
        row = self.new.get(key) or self.changed.get(key)
        if row is None:
            row = self.changed[key] = self._make(*key)
        return row

    def forget(self, account_id: str) -> None:
        """Drop everything about one account."""
        for rows in (self.new, self.changed):
            for key in [key for key in rows if key[0] == account_id]:
                del rows[key]

    def __len__(self) -> int:
        return len(self.new) + len(self.changed)


async def put_rows(
    connection: asyncpg.Connection, queries: Queries, table: str, rows: Rows[Any]
) -> None:
    """Write new rows by `insert_TABLE` and changes by `change_TABLE`."""
    for verb, part in (("insert", rows.new), ("change", rows.changed)):
        await put(connection, queries, verb, table, list(map(astuple, part.values())))


async def put(
    connection: asyncpg.Connection,
    queries: Queries,
    verb: str,
    table: str,
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Run the query `VERB_TABLE`, which reads `new_TABLE`, over rows in the table's column order.

    A few rows come as arrays, by the query's `rows_TABLE`, in one round trip. Many are copied into
    a temporary table of that name, made by `stage_TABLE`: PostgreSQL takes no COPY into a table
    with row-level security, and the driver encodes a copied row at half the cost.
    """
    if not rows:
        return
    statement = queries[verb + "_" + table]
    if len(rows) < COPY_ROWS_MIN:
        arrays = list(zip(*rows, strict=True))
        await connection.execute(queries["rows_" + table] + "\n" + statement, *arrays)
        return
    await connection.execute(queries["stage_" + table])
    await connection.copy_records_to_table("new_" + table, records=rows)
    await connection.execute(statement)
