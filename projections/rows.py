"""Rows of one table as one batch changes them: coalesced in memory, written once.

A row is a mutable struct whose fields are the table's columns in order; None in a change means
"leave it as it is". So a column that an event can empty needs a value of its own for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import asyncpg
import msgspec

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


async def write(connection: asyncpg.Connection, query: str, rows: Iterable[msgspec.Struct]) -> None:
    """Run `query` once over all rows; its `$n` is the array of the n-th field (`unnest`)."""
    arrays: list[tuple[Any, ...]] = list(zip(*map(msgspec.structs.astuple, rows), strict=True))
    if arrays:
        await connection.execute(query, *arrays)
