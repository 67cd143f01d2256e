"""For admins: promotions. Opening and closing one is an act, told with the admin's account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from events.grants import PromotionClosed, PromotionOpened
from gateway.access.acts import Told
from gateway.access.admin_documents import ReasonRequest
from gateway.access.permissions import ADMIN
from gateway.api.contract import contract
from gateway.api.documents import at
from gateway.deps import Deps
from gateway.grants.documents import PromotionDocument, PromotionRequest, Promotions
from gateway.grants.promotions import QUERIES
from gateway.web.errors import Problem, field_problem
from gateway.web.http import id_in_path
from gateway.web.replies import body_of, deps_of, reply, signed_in
from runtime.postgres.pool import Connection, borrowed

GROUP: Final = "Administration"
PROMOTIONS_SHOWN_MAX: Final = 200
_new = msgspec.json.Decoder(PromotionRequest)
_reason = msgspec.json.Decoder(ReasonRequest)


@post(
    "/admin/promotions",
    status_code=201,
    opt=contract(
        GROUP,
        "open_promotion",
        "Open a promotion.",
        {201: PromotionDocument},
        body=PromotionRequest,
        problems=("promotion-code-taken",),
        roles=(ADMIN,),
        gives={"promotion_id": "/id"},
        details=(
            "Its code is redeemed with POST /promotions/redeem, once by each person. What it gives "
            "cannot be changed; close it and open another."
        ),
    ),
)
async def open_promotion(request: Request[Any, Any, Any]) -> ASGIApp:
    """Open it, and tell the log."""
    deps = deps_of(request)
    actor = await signed_in(request)
    data = await body_of(request, _new)
    if data.credits > deps.settings.promotion_credits_max:
        raise field_problem("credits", f"must be at most {deps.settings.promotion_credits_max}")
    promotion_id = uuid4()
    draft = await deps.acts.draft(actor.account_id, actor.account_id, data.reason)

    async def change(connection: Connection) -> Sequence[Told]:
        ends_at_ms = await connection.fetchval(
            QUERIES.open_promotion,
            promotion_id,
            data.code,
            data.credits,
            data.redemptions_max,
            data.days,
            data.credits_days,
        )
        if ends_at_ms is None:
            raise Problem("promotion-code-taken", "There is or was a promotion with this code.")
        return [
            draft.event(
                PromotionOpened,
                promotion_id=str(promotion_id),
                credits=data.credits,
                redemptions_max=data.redemptions_max,
                ends_at_ms=ends_at_ms,
                credits_days=data.credits_days,
            )
        ]

    await deps.acts.do(actor.account_id, change)
    return reply(await _document_of(deps, promotion_id), 201)


@get(
    "/admin/promotions",
    opt=contract(
        GROUP,
        "list_promotions",
        "The last promotions, newest first.",
        {200: Promotions},
        roles=(ADMIN,),
        gives={"promotion_id": "/items/0/id"},
        details=f"At most {PROMOTIONS_SHOWN_MAX}, open or not, with how many redeemed each.",
    ),
)
async def list_promotions(request: Request[Any, Any, Any]) -> ASGIApp:
    """What was promised, and how much of it was taken."""
    deps = deps_of(request)
    await signed_in(request)
    async with borrowed(deps.pool) as connection:
        rows = await connection.fetch(QUERIES.list_promotions, PROMOTIONS_SHOWN_MAX)
    return reply(Promotions(items=tuple(_document(row) for row in rows)))


@post(
    "/admin/promotions/{promotion_id:str}/close",
    status_code=200,
    opt=contract(
        GROUP,
        "close_promotion",
        "End a promotion before its time.",
        {200: PromotionDocument},
        body=ReasonRequest,
        roles=(ADMIN,),
        details="From now on nobody redeems it. Over or closed already, nothing happens.",
    ),
)
async def close_promotion(request: Request[Any, Any, Any], promotion_id: FromPath[str]) -> ASGIApp:
    """Close it, and tell the log."""
    deps = deps_of(request)
    actor = await signed_in(request)
    asked = UUID(id_in_path(promotion_id, "promotion"))
    data = await body_of(request, _reason)
    draft = await deps.acts.draft(actor.account_id, actor.account_id, data.reason)

    async def change(connection: Connection) -> Sequence[Told]:
        if await connection.fetchval(QUERIES.close_promotion, asked) is None:
            return []
        return [draft.event(PromotionClosed, promotion_id=str(asked))]

    await deps.acts.do(actor.account_id, change)
    return reply(await _document_of(deps, asked))


async def _document_of(deps: Deps, promotion_id: UUID) -> PromotionDocument:
    async with borrowed(deps.pool) as connection:
        row = await connection.fetchrow(QUERIES.get_promotion, promotion_id)
    if row is None:
        raise Problem("not-found", "There is no promotion with this id.")
    return _document(row)


def _document(row: Any) -> PromotionDocument:
    status = "open"
    if row["closed_at_ms"] is not None:
        status = "closed"
    elif row["is_over"]:
        status = "over"
    elif row["redemptions"] >= row["redemptions_max"]:
        status = "all_taken"
    return PromotionDocument(
        id=str(row["promotion_id"]),
        code=row["code"],
        status=status,
        credits=row["credits"],
        redemptions=row["redemptions"],
        redemptions_max=row["redemptions_max"],
        credits_days=row["credits_days"],
        made_at=at(row["made_at_ms"]),
        ends_at=at(row["ends_at_ms"]),
        closed_at=at(row["closed_at_ms"]),
    )
