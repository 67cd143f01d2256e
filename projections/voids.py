"""Records without effect, kept for auditors: void decisions and records that nobody can read."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import msgspec
from msgspec.structs import astuple

from projections.rows import put
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("voids.sql"))
POISON = "poison"
"""The reason of a record that could not be read; `detail` says more."""


class VoidRow(msgspec.Struct, gc=False):
    """One record without effect; the fields are the table's columns in order."""

    log_partition: int
    log_offset: int
    account_id: str | None
    type: str | None
    reason: str
    detail: str | None
    value_hash: str
    appended_at_ms: int


class Voids:
    """The records of one batch that have no effect."""

    def __init__(self) -> None:
        self.rows: list[VoidRow] = []

    async def write(self, connection: asyncpg.Connection) -> None:
        """Put the batch's rows into the table."""
        await put(connection, QUERIES, "insert", "voids", list(map(astuple, self.rows)))
