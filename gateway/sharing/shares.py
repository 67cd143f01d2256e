"""Links to one's pictures: make one, see them, take one back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, delete, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp
from msgspec import Meta

from events.ids import UuidText
from gateway.access.permissions import GENERATIONS_READ, GENERATIONS_WRITE
from gateway.api.contract import contract
from gateway.api.documents import at
from gateway.deps import Deps
from gateway.identity.signed_in import Account
from gateway.sharing.addresses import page_of
from gateway.sharing.codes import code_of
from gateway.sharing.documents import (
    NewShareDocument,
    PreparedDocument,
    ShareDocument,
    ShareRequest,
    Shares,
)
from gateway.sharing.ending import QUERIES
from gateway.sharing.making import Share, Shown, make_share, ms, revoke_share, share_of
from gateway.sharing.page import preferred_language
from gateway.sharing.prepared import prepare
from gateway.web.cursors import Stored, decode_cursor, encode_cursor
from gateway.web.http import header_in, id_in_path
from gateway.web.paging import PAGE_MAX, next_link
from gateway.web.replies import body_of, deps_of, nothing, query_of, reply, signed_in
from runtime.postgres.pool import as_account

GROUP: Final = "Sharing"
_asked = msgspec.json.Decoder(ShareRequest)
_place = msgspec.json.Decoder(tuple[Stored, UUID])
"""Where a page begins: after the link made in that microsecond, of that id."""
_MICROSECONDS: Final = 1_000_000


class SharesQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which links."""

    cursor: Annotated[str, Meta(max_length=512)] | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 20
    generation_id: Annotated[
        UuidText | None, Meta(description="Only those to this generation's pictures.")
    ] = None


@post(
    "/generations/{generation_id:str}/share",
    status_code=201,
    opt=contract(
        GROUP,
        "share_generation",
        "Show a picture to others.",
        {201: NewShareDocument},
        body=ShareRequest,
        problems=(
            "nothing-to-share",
            "too-many-shares",
            "not-caught-up",
            "append-unknown",
            "log-overloaded",
        ),
        scopes=(GENERATIONS_WRITE,),
        gives={"share_id": "/share/id", "code": "/share/code"},
        details=(
            "The answer has a link to a page that anybody can open, until it ends by itself or is "
            "taken back, the picture is moved to the bin, or the account is erased. The page says "
            "nothing of who made the picture, and shows the prompt only with `show_prompt`. Asked "
            "again for the same, the same link is given. For Telegram, the same is prepared as a "
            "message that the person can send from the MiniApp, by `shareMessage`."
        ),
    ),
)
async def create(request: Request[Any, Any, Any], generation_id: FromPath[str]) -> ASGIApp:
    """Make a link, or find it; and have Telegram keep a message of it."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = await body_of(request, _asked)
    shown = Shown(
        UUID(id_in_path(generation_id, "generation")),
        asked.image_id,
        asked.show_prompt,
        asked.expires_in_days,
    )
    share, size = await make_share(deps, account, shown)
    language = preferred_language(header_in(request.scope["headers"], b"accept-language"))
    prepared = await prepare(deps, account, share, size=size, language=language)
    document = NewShareDocument(
        share=_document(deps, account, share),
        prepared_message=None
        if prepared is None
        else PreparedDocument(id=prepared.message_id, expires_at=at(prepared.expires_at_ms)),
    )
    return reply(document, 201)


@get(
    "/shares",
    opt=contract(
        GROUP,
        "list_shares",
        "Your links that are open, newest first.",
        {200: Shares},
        query=SharesQuery,
        problems=("cursor-invalid",),
        scopes=(GENERATIONS_READ,),
        gives={"share_id": "/items/0/id", "code": "/items/0/code"},
        details="Follow `next_cursor` (or the `Link` header) for older ones.",
    ),
)
async def list_all(request: Request[Any, Any, Any]) -> ASGIApp:
    """One page of the account's links."""
    deps = deps_of(request)
    account = await signed_in(request)
    query = query_of(request, SharesQuery)
    place = None if query.cursor is None else decode_cursor(query.cursor, _place)
    async with as_account(deps.pool, account.uuid) as connection:
        rows = await connection.fetch(
            QUERIES.list_open,
            account.uuid,
            None if query.generation_id is None else UUID(query.generation_id),
            None if place is None else _instant(place[0]),
            None if place is None else place[1],
            query.limit + 1,
        )
    shares = [share_of(row) for row in rows[: query.limit]]
    more = None
    if len(rows) > query.limit:
        last = shares[-1]
        more = encode_cursor((_microseconds(last.created_at), last.share_id))
    items = tuple(_document(deps, account, share) for share in shares)
    return reply(Shares(items=items, next_cursor=more), headers=next_link(request, more))


@delete(
    "/shares/{share_id:str}",
    status_code=200,  # the reply sends 204 itself
    opt=contract(
        GROUP,
        "revoke_share",
        "Take a link back.",
        {204: None},
        problems=("append-unknown", "log-overloaded"),
        scopes=(GENERATIONS_WRITE,),
        details=(
            "From then on it shows nothing. What somebody looked at a moment ago may stay in their "
            "browser, and messages that were sent in Telegram keep their picture. Twice is no "
            "mistake."
        ),
    ),
)
async def remove(request: Request[Any, Any, Any], share_id: FromPath[str]) -> ASGIApp:
    """End it; twice does no harm."""
    deps = deps_of(request)
    account = await signed_in(request)
    await revoke_share(deps, account, UUID(id_in_path(share_id, "link")))
    return nothing()


def _document(deps: Deps, account: Account, share: Share) -> ShareDocument:
    code = code_of(account, share.share_id)
    return ShareDocument(
        id=str(share.share_id),
        generation_id=str(share.generation_id),
        image_id=str(share.image_id),
        code=code,
        url=page_of(deps.settings, code),
        show_prompt=share.shows_prompt,
        created_at=at(ms(share.created_at)),
        expires_at=at(ms(share.expires_at)),
    )


def _microseconds(instant: datetime) -> int:
    return round(instant.timestamp() * _MICROSECONDS)


def _instant(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / _MICROSECONDS, UTC)
