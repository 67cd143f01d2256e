"""Batches of generations: which there are, and which generations belong to which.

What becomes of a generation of a batch stands in its own row, as if it had been asked for alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import asyncpg
import msgspec
from msgspec.structs import astuple

from events.accounts import AccountErased
from events.batches import BatchRequested
from events.state import Account
from projections.place import Handler, Place
from projections.rows import Key, put
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("batches.sql"))


class BatchRow(msgspec.Struct, gc=False):
    """One batch; the fields are the table's columns in order."""

    account_id: str
    batch_id: str
    size: int
    requested_at_ms: int
    log_partition: int
    log_offset: int


class ItemRow(msgspec.Struct, gc=False):
    """One generation of a batch; the fields are the table's columns in order."""

    account_id: str
    generation_id: str
    batch_id: str
    index: int


class Batches:
    """What a run of records adds."""

    def __init__(self) -> None:
        self._rows: dict[Key, BatchRow] = {}
        self._items: dict[Key, ItemRow] = {}
        self._erased: list[str] = []

    def handlers(self) -> Mapping[type, Handler]:
        """What to do about which event."""
        return {BatchRequested: self._requested, AccountErased: self._account_erased}

    async def write(self, connection: asyncpg.Connection) -> None:
        """Put the rows into the tables."""
        if self._erased:
            await connection.execute(QUERIES.erase_batches, self._erased)
            await connection.execute(QUERIES.erase_batch_items, self._erased)
        rows = list(map(astuple, self._rows.values()))
        await put(connection, QUERIES, "insert", "batches", rows)
        items = list(map(astuple, self._items.values()))
        await put(connection, QUERIES, "insert", "batch_items", items)

    def _requested(
        self, event: BatchRequested, before: Account, _after: Account, place: Place
    ) -> None:
        if before.erased is not None:
            return
        account_id, batch_id = event.account_id, event.batch_id
        self._rows[account_id, batch_id] = BatchRow(
            account_id,
            batch_id,
            len(event.requests),
            place.appended_at_ms,
            place.partition,
            place.offset,
        )
        for index, one in enumerate(event.requests):
            row = ItemRow(account_id, one.generation_id, batch_id, index)
            self._items[account_id, one.generation_id] = row

    def _account_erased(
        self, event: AccountErased, _before: Account, _after: Account, _place: Place
    ) -> None:
        for rows in (self._rows, self._items):
            for key in [key for key in rows if key[0] == event.account_id]:
                del rows[key]
        self._erased.append(event.account_id)


def each_request(handler: Handler) -> Handler:
    """What is done about a single request, done about each one of a batch."""

    def of_batch(event: BatchRequested, before: Account, after: Account, place: Place) -> None:
        for one in event.requests:
            handler(one, before, after, place)

    return of_batch
