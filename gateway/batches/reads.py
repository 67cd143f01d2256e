"""Batches as documents, from the rows of their generations; or, before there are rows, the log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from commands.batches import BATCH_MAX
from events.ids import BatchId, batch_generation_id
from gateway.api.documents import GenerationDocument
from gateway.batches.documents import BatchDocument, BatchPage, BatchQuery, document_of
from gateway.generations.reads import QUERIES as GENERATIONS
from gateway.generations.reads import RETRY_AFTER_SECONDS, find_document, to_documents
from gateway.identity.signed_in import Account
from gateway.web.cursors import LogPosition, Stored, decode_cursor, encode_cursor
from gateway.web.errors import Problem
from runtime.postgres.pool import as_account
from runtime.queries import load_queries

if TYPE_CHECKING:
    from gateway.deps import Deps

QUERIES = load_queries(Path(__file__).with_name("batches.sql"))
LAG_WAIT_SECONDS: Final = 0.25
"""How long a read waits for the rows of a batch that the tail knows."""

_place = msgspec.json.Decoder(tuple[Stored, UUID])
"""Where a page begins: after the batch asked for then, of that id."""


def ids_of(batch_id: str, size: int = BATCH_MAX) -> list[str]:
    """The ids that the first `size` generations of a batch have."""
    return [batch_generation_id(BatchId(batch_id), index) for index in range(size)]


async def find_batch(deps: Deps, account: Account, batch_id: str) -> BatchDocument:
    """One batch of this account.

    Raises:
        Problem: it has none with this id, or none that is readable yet.
        PixelpopError: the database or the log cannot be read.
    """
    known = [deps.tail.get(one) for one in ids_of(batch_id)]
    mine = [one for one in known if one is not None and one.account_id == account.account_id]
    if mine:
        newest = max(mine, key=lambda one: one.offset)
        await deps.consistency.passed(
            LogPosition(newest.partition, newest.offset), LAG_WAIT_SECONDS
        )
    async with as_account(deps.pool, account.uuid) as connection:
        rows = await connection.fetch(QUERIES.get_items, account.uuid, UUID(batch_id))
    wanted = [str(row["generation_id"]) for row in rows] or [one.generation_id for one in mine]
    items = await _documents(deps, account, wanted)
    if not items:
        raise missing(deps)
    return document_of(batch_id, items)


def missing(deps: Deps) -> Problem:
    """What to say of a batch that nobody knows (yet)."""
    if not deps.tail_reader.caught_up:  # soon after a start, or while the log is away
        return Problem(
            "not-caught-up",
            "This may exist and not be readable yet. Ask again shortly.",
            retry_after=RETRY_AFTER_SECONDS,
        )
    return Problem("not-found", "There is no batch with this id.")


async def _documents(
    deps: Deps, account: Account, wanted: Sequence[str]
) -> list[GenerationDocument]:
    """Those generations that are known, in this order."""
    by_id = await _of_rows(deps, account, wanted)
    found = []
    for one in wanted:
        document = by_id.get(one) or await find_document(deps, account, UUID(one))
        if document is not None:
            found.append(document)
    return found


async def _of_rows(
    deps: Deps, account: Account, wanted: Sequence[str]
) -> dict[str, GenerationDocument]:
    asked = [UUID(one) for one in wanted]
    async with as_account(deps.pool, account.uuid) as connection:
        rows: list[Any] = await connection.fetch(QUERIES.get_generations, account.uuid, asked)
        images: list[Any] = await connection.fetch(GENERATIONS.get_images, account.uuid, asked)
    return {one.id: one for one in await to_documents(deps, account, rows, images)}


async def page_of(deps: Deps, account: Account, query: BatchQuery) -> BatchPage:
    """One page of an account's batches, newest first.

    Raises:
        Problem: the cursor is none of ours.
        PixelpopError: the database does not answer.
    """
    place = None if query.cursor is None else decode_cursor(query.cursor, _place)
    async with as_account(deps.pool, account.uuid) as connection:
        rows = await connection.fetch(
            QUERIES.list_batches,
            account.uuid,
            None if place is None else place[0],
            None if place is None else place[1],
            query.limit + 1,
        )
    more, rows = len(rows) > query.limit, rows[: query.limit]
    wanted = [str(one) for row in rows for one in row["generation_ids"]]
    by_id = await _of_rows(deps, account, wanted)
    items = tuple(
        document_of(str(row["batch_id"]), [by_id[str(one)] for one in row["generation_ids"]])
        for row in rows
    )
    cursor = None
    if more and rows:
        cursor = encode_cursor((rows[-1]["requested_at_ms"], rows[-1]["batch_id"]))
    return BatchPage(items=items, next_cursor=cursor)


async def macs_of(deps: Deps, account: Account, batch_id: str) -> list[str] | None:
    """The `body_mac`s of the requests of an earlier batch; None: there is none of this id."""
    async with as_account(deps.pool, account.uuid) as connection:
        rows = await connection.fetch(QUERIES.get_macs, account.uuid, UUID(batch_id))
    if rows:
        return [row["body_mac"] for row in rows]
    known = [deps.tail.get(one) for one in ids_of(batch_id)]
    return [one.body_mac for one in known if one is not None and one.body_mac is not None] or None
