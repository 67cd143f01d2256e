"""The gallery: `GET /generations`, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.types import ASGIApp
from msgspec import Meta

from commands.requests import PROMPT_CHARS_MAX
from gateway.access.permissions import GENERATIONS_READ
from gateway.api.contract import contract
from gateway.api.documents import Page
from gateway.generations.reads import QUERIES, opened, to_documents
from gateway.identity.signed_in import Account
from gateway.web.cursors import Stored, decode_cursor, encode_cursor
from gateway.web.http import header_in
from gateway.web.paging import PAGE_MAX, next_link
from gateway.web.replies import deps_of, query_of, reply, signed_in
from runtime.postgres.pool import as_account

if TYPE_CHECKING:
    from gateway.deps import Deps

SEARCHED_MAX: Final = 500
"""How many of the newest generations `q` looks at: prompts are sealed, so each is opened."""

_place = msgspec.json.Decoder(tuple[Stored, UUID])
"""Where a page begins: after the generation asked for then, of that id."""


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


@get(
    "/generations",
    opt=contract(
        "Generations",
        "list_generations",
        "The gallery: your generations, newest first.",
        {200: Page},
        query=GalleryQuery,
        headers=("Consistency-Token",),
        problems=("cursor-invalid",),
        scopes=(GENERATIONS_READ,),
        gives={"generation_id": "/items/0/id"},
        details=(
            "Follow `next_cursor` (or the `Link` header) for older ones. What is in the bin is "
            "shown with `deleted=true` only. Addresses of pictures are good for a while; ask "
            "again for new ones."
        ),
    ),
)
async def gallery(request: Request[Any, Any, Any]) -> ASGIApp:
    """One page of the account's generations."""
    deps = deps_of(request)
    account = await signed_in(request)
    query = query_of(request, GalleryQuery)
    await deps.consistency.honour(header_in(request.scope["headers"], b"consistency-token"))
    page = await page_of(deps, account, query)
    return reply(page, headers=next_link(request, page.next_cursor))


async def page_of(deps: Deps, account: Account, query: GalleryQuery) -> Page:
    """One page of an account's generations, newest first.

    Raises:
        Problem: the cursor is none of ours.
        PixelpopError: the database does not answer.
    """
    rows, images, more = await rows_of(deps, account, query)
    return Page(items=await to_documents(deps, account, rows, images), next_cursor=more)


async def rows_of(
    deps: Deps, account: Account, query: GalleryQuery
) -> tuple[list[Any], list[Any], str | None]:
    """The page's rows, their images, and where the next page begins.

    Raises:
        Problem: the cursor is none of ours.
        PixelpopError: the database does not answer.
    """
    place = None if query.cursor is None else decode_cursor(query.cursor, _place)
    wanted = SEARCHED_MAX if query.q is not None else query.limit
    async with as_account(deps.pool, account.uuid) as connection:
        rows = await connection.fetch(
            QUERIES.list_generations,
            account.uuid,
            None if place is None else place[0],
            None if place is None else place[1],
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
            QUERIES.get_images, account.uuid, [row["generation_id"] for row in rows]
        )
    cursor = None
    if more and rows:
        last = rows[-1]
        cursor = encode_cursor((last["requested_at_ms"], last["generation_id"]))
    return rows, images, cursor


def _mentions(account: Account, row: Any, words: str) -> bool:
    prompt = opened(account, str(row["generation_id"]), "prompt", row["prompt"])
    return prompt is not None and words.casefold() in prompt.casefold()
