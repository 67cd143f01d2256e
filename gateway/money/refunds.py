"""Taking a purchase back: `POST /purchases/{id}/refund`, and what admins can do about one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from events.admin import RefundOrdered
from events.ids import AccountId
from gateway.access.acts import Told
from gateway.access.admin import GROUP, WHAT
from gateway.access.admin_documents import ReasonRequest
from gateway.access.permissions import ADMIN
from gateway.api.contract import contract
from gateway.api.documents import PurchaseDocument, Purchases
from gateway.deps import Deps
from gateway.money import refunding
from gateway.money.purchases import document_of, list_of
from gateway.web.cursors import token_header
from gateway.web.errors import Problem
from gateway.web.http import id_in_path
from gateway.web.replies import body_of, deps_of, reply, signed_in
from runtime.postgres.pool import Connection

PURCHASE = "purchase"
RETRY_AFTER_SECONDS = 1
_PROBLEMS = (
    "payments-not-configured",
    "refund-refused",
    "telegram-slow-down",
    "telegram-unreachable",
    "stripe-slow-down",
    "stripe-unreachable",
    "append-unknown",
    "log-overloaded",
    "not-caught-up",
)
_reason = msgspec.json.Decoder(ReasonRequest)


@post(
    "/purchases/{purchase_id:str}/refund",
    status_code=200,
    opt=contract(
        "Credits",
        "refund_purchase",
        "Give a purchase back, and get the money back.",
        {200: PurchaseDocument},
        problems=("refund-too-late", "refund-spent", *_PROBLEMS),
        details=(
            "For some days after it, and only while all of its credits are unused; after that, "
            "write to support. The money goes back the way it came, and the credits leave. Asked "
            "again, nothing more happens. While the money is on its way the purchase stays "
            "`granted`."
        ),
    ),
)
async def refund(request: Request[Any, Any, Any], purchase_id: FromPath[str]) -> ASGIApp:
    """Give back what its owner may give back alone."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = UUID(id_in_path(purchase_id, PURCHASE))
    row = await refunding.find(deps, account.uuid, asked)
    if row["refunded_at_ms"] is not None:
        return reply(document_of(row))
    refunding.refuse_late(deps, row)
    return await _given_back(deps, account.account_id, row)


@get(
    "/admin/accounts/{account_id:str}/purchases",
    opt=contract(
        GROUP,
        "list_purchases_of_account",
        "An account's last purchases, newest first.",
        {200: Purchases},
        roles=(ADMIN,),
        gives={"purchase_id": "/items/0/id"},
        details="To find the one that is to be given back.",
    ),
)
async def get_of_account(request: Request[Any, Any, Any], account_id: FromPath[str]) -> ASGIApp:
    """Whose purchases an admin asks for."""
    deps = deps_of(request)
    await signed_in(request)
    return reply(await list_of(deps, UUID(id_in_path(account_id, WHAT))))


@post(
    "/admin/accounts/{account_id:str}/purchases/{purchase_id:str}/refund",
    status_code=200,
    opt=contract(
        GROUP,
        "refund_purchase_of_account",
        "Give anybody's purchase back.",
        {200: PurchaseDocument},
        body=ReasonRequest,
        problems=_PROBLEMS,
        roles=(ADMIN,),
        details=(
            "At any time, also after credits of it were used: those become a debt, which the next "
            "credits pay. Who ordered it and why is in the log before the money moves. Asked "
            "again, nothing more happens."
        ),
    ),
)
async def refund_of_account(
    request: Request[Any, Any, Any], account_id: FromPath[str], purchase_id: FromPath[str]
) -> ASGIApp:
    """Record the order, then give back."""
    deps = deps_of(request)
    actor = await signed_in(request)
    target = AccountId(id_in_path(account_id, WHAT))
    asked = id_in_path(purchase_id, PURCHASE)
    data = await body_of(request, _reason)
    row = await refunding.find(deps, UUID(target), UUID(asked))
    if row["refunded_at_ms"] is not None:
        return reply(document_of(row))
    draft = await deps.acts.draft(target, actor.account_id, data.reason)
    told = draft.event(RefundOrdered, before=("paid",), after=("refunded",), purchase_id=asked)

    async def change(_connection: Connection) -> Sequence[Told]:
        return [told]

    await deps.acts.do(target, change)
    return await _given_back(deps, target, row)


async def _given_back(deps: Deps, account_id: AccountId, row: Any) -> ASGIApp:
    place = await refunding.give_back(deps, account_id, row)
    if place is None:
        return reply(document_of(row))
    if not await deps.consistency.passed(place):
        raise Problem(
            "not-caught-up",
            "The money went back, but that is not readable yet. Ask again shortly.",
            retry_after=RETRY_AFTER_SECONDS,
        )
    row = await refunding.find(deps, UUID(account_id), row["purchase_id"])
    return reply(document_of(row), headers=[token_header(*place)])
