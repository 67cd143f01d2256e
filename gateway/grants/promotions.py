"""Redeeming a promotion's code: `POST /promotions/redeem`.

PostgreSQL decides who may: a counter that it lets nobody pass, and a row for each outside identity
of who redeemed, which outlives the account. The log is told by the outbox of acts, in the same
transaction, so that no code is used up for nothing; told twice, it is granted once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Request, post
from litestar.types import ASGIApp

from events.grants import PromotionRedeemed
from events.ids import AccountId, SourceId, derive, fact_id
from gateway.access.acts import Told
from gateway.api.contract import contract
from gateway.api.documents import at
from gateway.deps import Deps
from gateway.grants.documents import AwardDocument, RedeemRequest
from gateway.web.cursors import token_header
from gateway.web.errors import Problem
from gateway.web.replies import body_of, deps_of, reply, signed_in
from runtime.postgres.pool import Connection
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("promotions.sql"))
DAY_MS: Final = 86_400_000
_decoder = msgspec.json.Decoder(RedeemRequest)
_REFUSALS: Final = {
    "unknown": ("promotion-unknown", "There is no promotion with this code. Check its spelling."),
    "ended": ("promotion-ended", "This promotion is over, or all of it was taken already."),
    "used": ("promotion-used", "You redeemed this code already, with another account."),
    "gone": ("account-erased", "This account was erased. Nothing was redeemed."),
}


@post(
    "/promotions/redeem",
    status_code=200,
    opt=contract(
        "Grants",
        "redeem_promotion",
        "Redeem a promotion's code.",
        {200: AwardDocument},
        body=RedeemRequest,
        problems=("promotion-unknown", "promotion-ended", "promotion-used", "account-erased"),
        details=(
            "Once per person, whatever account they have. The credits follow within a moment; "
            "sent again by the same account it is the same grant, and the answer has "
            "`Idempotent-Replay: true`."
        ),
    ),
)
async def redeem(request: Request[Any, Any, Any]) -> ASGIApp:
    """Use the code up for this person, and tell the log."""
    deps = deps_of(request)
    account = await signed_in(request)
    data = await body_of(request, _decoder)
    document, headers = await redeem_code(deps, account.account_id, data.code)
    return reply(document, headers=headers)


async def redeem_code(
    deps: Deps, account_id: AccountId, code: str
) -> tuple[AwardDocument, list[tuple[bytes, bytes]]]:
    """Redeem a code for an account, by whatever door the person came.

    Returns:
        What was awarded, and headers that say where it stands in the log.

    Raises:
        Problem: the code is none, is over, or was used by this person; or too many were tried.
        PixelpopError: the database cannot be reached.
    """
    await deps.limits.take(deps.limits.policies.codes, account_id)
    row: Any = None

    async def change(connection: Connection) -> Sequence[Told]:
        nonlocal row
        row = await connection.fetchrow(QUERIES.redeem, code.strip().upper())
        if row["outcome"] != "redeemed":
            return []
        return [_told(account_id, row, deps.clock.now_ms())]

    position = await deps.acts.do(account_id, change)
    if row["outcome"] in _REFUSALS:
        raise Problem(*_REFUSALS[row["outcome"]])
    headers = [] if position is None else [token_header(position.partition, position.offset)]
    if row["outcome"] == "again":
        headers.append((b"idempotent-replay", b"true"))
    document = AwardDocument(
        grant_id=_source(account_id, row),
        why=PromotionRedeemed.why,
        credits=row["credits"],
        expires_at=at(_ends_at_ms(row)),
    )
    return document, headers


def _source(account_id: AccountId, row: Any) -> SourceId:
    return SourceId(derive("promotion", str(row["promotion_id"]), account_id))


def _ends_at_ms(row: Any) -> int:
    return int(row["redeemed_at_ms"]) + int(row["credits_days"]) * DAY_MS


def _told(account_id: AccountId, row: Any, now_ms: int) -> Told:
    source_id = _source(account_id, row)
    event = PromotionRedeemed(
        account_id=account_id,
        occurred_at_ms=now_ms,
        source_id=source_id,
        credits=row["credits"],
        expires_at_ms=_ends_at_ms(row),
        promotion_id=str(row["promotion_id"]),
    )
    return Told(fact_id(source_id, "redeemed"), event)
