"""The balance and the ledger behind it: `/credits`, `/credits/history`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.types import ASGIApp
from msgspec import Meta

from gateway.access.permissions import CREDITS_READ
from gateway.api.contract import contract
from gateway.api.documents import CreditsDocument, GrantDocument, LedgerEntry, LedgerPage, at
from gateway.deps import Deps
from gateway.identity.signed_in import Account
from gateway.web.cursors import Stored, decode_cursor, encode_cursor
from gateway.web.http import header_in
from gateway.web.paging import PAGE_MAX, next_link
from gateway.web.replies import deps_of, query_of, reply, signed_in
from runtime.postgres.pool import as_account
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("credits.sql"))

_sequence = msgspec.json.Decoder(Stored)


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of the ledger."""

    cursor: Annotated[str, Meta(max_length=512)] | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 50


@get(
    "/credits",
    opt=contract(
        "Credits",
        "read_credits",
        "The balance, with its grants in their order of use.",
        {200: CreditsDocument},
        headers=("Consistency-Token",),
        scopes=(CREDITS_READ,),
        details=(
            "`available` can be spent; `reserved` is set aside for generations under way; `debt` "
            "is paid by the next credits that come in. Each grant says why it came and when it "
            "ends. What ends soonest is used first; of what ends together, what was given before "
            "what was paid for: the grant with `use_order` 1 is the next that is drawn on."
        ),
    ),
)
async def get_credits(request: Request[Any, Any, Any]) -> ASGIApp:
    """Balance and grants of the account that asks."""
    deps = deps_of(request)
    account = await signed_in(request)
    await deps.consistency.honour(header_in(request.scope["headers"], b"consistency-token"))
    return reply(await credits_of(deps, account))


async def credits_of(deps: Deps, account: Account) -> CreditsDocument:
    """Balance and grants of an account.

    Raises:
        PixelpopError: the database does not answer.
    """
    async with as_account(deps.pool, account.uuid) as connection:
        row = await connection.fetchrow(_QUERIES.get_account, account.uuid)
        grants = await connection.fetch(_QUERIES.get_grants, account.uuid)
    if row is None:
        return CreditsDocument()
    return CreditsDocument(
        **dict(row),
        grants=tuple(
            GrantDocument(
                id=str(grant["grant_id"]),
                why=grant["why"],
                promotional=grant["promotional"],
                credits=grant["credits"],
                available=grant["available"],
                granted_at=at(grant["granted_at_ms"]),
                expires_at=at(grant["expires_at_ms"]),
                use_order=grant["use_order"],
            )
            for grant in grants
        ),
    )


@get(
    "/credits/history",
    opt=contract(
        "Credits",
        "list_ledger",
        "Everything that ever happened to the credits, newest first.",
        {200: LedgerPage},
        query=HistoryQuery,
        headers=("Consistency-Token",),
        problems=("cursor-invalid",),
        scopes=(CREDITS_READ,),
        details=(
            "One entry for each decision in the account's hash chain. `credits` is its effect on "
            "what is available; `postings` are the same as double-entry bookkeeping and sum to "
            "zero. Follow `next_cursor` (or the `Link` header) for older ones."
        ),
    ),
)
async def get_history(request: Request[Any, Any, Any]) -> ASGIApp:
    """One page of the account's ledger."""
    deps = deps_of(request)
    account = await signed_in(request)
    query = query_of(request, HistoryQuery)
    await deps.consistency.honour(header_in(request.scope["headers"], b"consistency-token"))
    before = None if query.cursor is None else decode_cursor(query.cursor, _sequence)
    async with as_account(deps.pool, account.uuid) as connection:
        rows = await connection.fetch(_QUERIES.list_ledger, account.uuid, before, query.limit + 1)
    items = tuple(_entry(row) for row in rows[: query.limit])
    more = encode_cursor(items[-1].sequence) if len(rows) > query.limit else None
    return reply(LedgerPage(items=items, next_cursor=more), headers=next_link(request, more))


def _entry(row: Any) -> LedgerEntry:
    return LedgerEntry(
        sequence=row["sequence"],
        type=row["type"],
        at=at(row["at_ms"]),
        about=row["about"],
        credits=row["credits"],
        available_after=row["available_after"],
        detail=msgspec.json.decode(row["detail"]),
        postings=tuple(msgspec.json.decode(row["postings"])),
        value_hash=row["value_hash"],
    )
