"""Generations: ask for one, look at them, cancel, delete, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from litestar import Request, delete, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp
from msgspec import Meta

from commands.requests import PROMPT_CHARS_MAX, ImageRequest
from events.generations import GenerationCancelled, GenerationDeleted, GenerationRestored
from events.ids import GenerationId, fact_id
from gateway.contract import contract
from gateway.cursors import LogPosition, consistency_token, decode_cursor, encode_cursor
from gateway.deps import Deps
from gateway.documents import GenerationDocument, Page
from gateway.errors import Problem
from gateway.events_out import EVENTS, outgoing
from gateway.generation_reads import QUERIES as READS
from gateway.generation_reads import find_document, opened, to_documents
from gateway.http import header_in, id_in_path, read_body
from gateway.paging import PAGE_MAX, next_link
from gateway.replies import Reply, deps_of, nothing, query_of, reply, signed_in
from gateway.signed_in import Account
from gateway.submissions import submit
from gateway.tail import FINAL
from runtime.kafka.records import Position
from runtime.postgres.pool import as_account
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("generations.sql"))

BIN_DAYS: Final = 30
BIN_MS: Final = BIN_DAYS * 24 * 60 * 60 * 1000
SEARCHED_MAX: Final = 500
"""How many of the newest generations `q` looks at: prompts are sealed, so each is opened."""
WHAT: Final = "generation"


class GalleryQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which generations."""

    cursor: Annotated[str, Meta(max_length=512)] | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 20
    status: Literal["pending", "processing", "done", "failed", "rejected", "cancelled"] | None = (
        None
    )
    style_id: Annotated[str, Meta(max_length=64)] | None = None
    q: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=PROMPT_CHARS_MAX,
                description=f"Words of the prompt; looks at the newest {SEARCHED_MAX} generations.",
            ),
        ]
        | None
    ) = None
    deleted: Annotated[bool, Meta(description="The bin instead of the gallery.")] = False


@post(
    "/generations",
    status_code=202,
    opt=contract(
        "Ask for pictures.",
        {202: GenerationDocument, 200: GenerationDocument},
        body=ImageRequest,
        headers=("Idempotency-Key", "Prefer"),
        problems=(
            "idempotency-key-missing",
            "idempotency-key-invalid",
            "idempotency-key-reused",
            "insufficient-credits",
            "rate-limited",
            "prohibited",
            "unavailable",
            "kind-not-available",
            "append-unknown",
        ),
        details=(
            "202: it is admitted, or (in the rare case that the decision takes longer than a "
            "moment) will be decided. `Location` leads to it. `Prefer: wait=N` waits up to N "
            "seconds for the pictures and then answers 200; `Prefer: respond-async` does not wait "
            "for the decision. Repeated with the same `Idempotency-Key` it answers with what "
            "became of the request, and `Idempotent-Replay: true`."
        ),
    ),
)
async def create(request: Request[Any, Any, Any]) -> ASGIApp:
    """What `front` does for this route without the way through Litestar's routing."""
    deps = deps_of(request)
    account = await signed_in(request)
    headers = request.scope["headers"]
    body = await read_body(
        headers,
        request.receive,
        max_bytes=deps.settings.body_max_bytes,
        timeout_seconds=deps.settings.body_timeout_seconds,
    )
    return Reply(await submit(deps, headers, body, account))


@get(
    "/generations",
    opt=contract(
        "The gallery, newest first.",
        {200: Page},
        query=GalleryQuery,
        headers=("Consistency-Token",),
        problems=("cursor-invalid",),
    ),
)
async def gallery(request: Request[Any, Any, Any]) -> ASGIApp:
    """One page of the account's generations."""
    deps = deps_of(request)
    account = await signed_in(request)
    query = query_of(request, GalleryQuery)
    await deps.consistency.honour(header_in(request.scope["headers"], b"consistency-token"))
    rows, images, more = await _page(deps, account, query)
    items = await to_documents(deps, account, rows, images)
    return reply(Page(items=items, next_cursor=more), headers=next_link(request, more))


async def _page(
    deps: Deps, account: Account, query: GalleryQuery
) -> tuple[list[Any], list[Any], str | None]:
    """The page's rows, their images, and where the next page begins."""
    place: tuple[int, str] | None = None
    if query.cursor is not None:
        place = decode_cursor(query.cursor, tuple[int, str])
        id_in_path(place[1], WHAT)
    wanted = SEARCHED_MAX if query.q is not None else query.limit
    async with as_account(deps.pool, account.uuid) as connection:
        rows = await connection.fetch(
            READS.list_generations,
            account.uuid,
            None if place is None else place[0],
            None if place is None else UUID(place[1]),
            query.status,
            query.style_id,
            query.deleted,
            wanted + 1,
        )
        more = len(rows) > wanted
        rows = rows[:wanted]
        if query.q is not None:
            found = [row for row in rows if _mentions(account, row, query.q)]
            more = len(found) > query.limit
            rows = found[: query.limit]
        images = await connection.fetch(
            READS.get_images, account.uuid, [row["generation_id"] for row in rows]
        )
    cursor = None
    if more and rows:
        last = rows[-1]
        cursor = encode_cursor((last["requested_at_ms"], str(last["generation_id"])))
    return rows, images, cursor


def _mentions(account: Account, row: Any, words: str) -> bool:
    prompt = opened(account, str(row["generation_id"]), "prompt", row["prompt"])
    return prompt is not None and words.casefold() in prompt.casefold()


@get(
    "/generations/{generation_id:str}",
    opt=contract("One generation.", {200: GenerationDocument}, headers=("Consistency-Token",)),
)
async def read(request: Request[Any, Any, Any], generation_id: FromPath[str]) -> ASGIApp:
    """What is known of it now."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = UUID(id_in_path(generation_id, WHAT))
    await deps.consistency.honour(header_in(request.scope["headers"], b"consistency-token"))
    return reply(await _document(deps, account, asked))


@post(
    "/generations/{generation_id:str}/cancel",
    status_code=200,
    opt=contract(
        "Cancel a generation that nobody has begun to make.",
        {200: GenerationDocument},
        problems=("being-made", "already-finished", "append-unknown"),
        details="All its credits return.",
    ),
)
async def cancel(request: Request[Any, Any, Any], generation_id: FromPath[str]) -> ASGIApp:
    """Take the claim before a worker does; then nobody is paid (design §2.5)."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = id_in_path(generation_id, WHAT)
    document = await _document(deps, account, UUID(asked))
    if document.status == "cancelled":
        return reply(document)
    if document.status in FINAL:
        raise Problem(
            "already-finished", f"It is {document.status} already; there is nothing to cancel."
        )
    if not await _claim(deps, account, UUID(asked)):
        raise Problem("being-made", "It is being made already and can no longer be cancelled.")
    now_ms = deps.clock.now_ms()
    event = GenerationCancelled(
        account_id=account.account_id,
        occurred_at_ms=now_ms,
        generation_id=GenerationId(asked),
    )
    position = await deps.log.append(
        EVENTS,
        outgoing(event, fact_id(asked, "cancelled"), correlation_id=asked, time_ms=now_ms),
    )
    await deps.consistency.passed(LogPosition(position.partition, position.offset))
    return reply(await _document(deps, account, UUID(asked)), headers=_token(position))


async def _claim(deps: Deps, account: Account, generation_id: UUID) -> bool:
    async with as_account(deps.pool, account.uuid) as connection:
        state = await connection.fetchval(_QUERIES.claim_cancelled, generation_id, account.uuid)
        if state is None:
            state = await connection.fetchval(_QUERIES.get_claim, generation_id)
    return bool(state == "cancelled")


@delete(
    "/generations/{generation_id:str}",
    status_code=200,  # the reply sends 204 itself
    opt=contract(
        "Move a generation to the bin.",
        {204: None},
        details=f"It can be restored for {BIN_DAYS} days; then its pictures go.",
    ),
)
async def remove(request: Request[Any, Any, Any], generation_id: FromPath[str]) -> ASGIApp:
    """Append that it was deleted; twice does no harm."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = id_in_path(generation_id, WHAT)
    document = await _document(deps, account, UUID(asked))
    if document.deleted_at is not None:
        return nothing()
    now_ms = deps.clock.now_ms()
    event = GenerationDeleted(
        account_id=account.account_id,
        occurred_at_ms=now_ms,
        generation_id=GenerationId(asked),
    )
    position = await deps.log.append(
        EVENTS,
        outgoing(event, fact_id(asked, f"deleted:{now_ms}"), correlation_id=asked, time_ms=now_ms),
    )
    return nothing(headers=_token(position))


@post(
    "/generations/{generation_id:str}/restore",
    status_code=200,  # the reply sends 204 itself
    opt=contract(
        "Take a generation back out of the bin.", {204: None}, problems=("gone-from-bin",)
    ),
)
async def restore(request: Request[Any, Any, Any], generation_id: FromPath[str]) -> ASGIApp:
    """Append that it was restored, while its time in the bin is not over."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = id_in_path(generation_id, WHAT)
    async with as_account(deps.pool, account.uuid) as connection:
        row = await connection.fetchrow(READS.get_generation, account.uuid, UUID(asked))
    if row is None:
        raise _unknown()
    if row["deleted_at_ms"] is None:
        return nothing()
    refuse_if_gone(deps, row["deleted_at_ms"])
    now_ms = deps.clock.now_ms()
    event = GenerationRestored(
        account_id=account.account_id,
        occurred_at_ms=now_ms,
        generation_id=GenerationId(asked),
    )
    position = await deps.log.append(
        EVENTS,
        outgoing(event, fact_id(asked, f"restored:{now_ms}"), correlation_id=asked, time_ms=now_ms),
    )
    return nothing(headers=_token(position))


def refuse_if_gone(deps: Deps, deleted_at_ms: int) -> None:
    """Refuse to restore what has been in the bin for too long.

    Raises:
        Problem: it has.
    """
    if deps.clock.now_ms() - deleted_at_ms > BIN_MS:
        raise Problem("gone-from-bin", f"It was deleted more than {BIN_DAYS} days ago and is gone.")


async def _document(deps: Deps, account: Account, generation_id: UUID) -> GenerationDocument:
    document = await find_document(deps, account, generation_id)
    if document is None:
        raise _unknown()
    return document


def _unknown() -> Problem:
    return Problem("not-found", f"There is no {WHAT} with this id.")


def _token(position: Position) -> list[tuple[bytes, bytes]]:
    token = consistency_token(position.partition, position.offset)
    return [(b"consistency-token", token.encode())]
