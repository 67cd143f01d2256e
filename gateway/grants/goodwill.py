"""For admins: credits to make up for something, `POST /admin/accounts/{id}/goodwill`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.params import FromPath
from litestar.types import ASGIApp
from msgspec import UNSET

from events.grants import GoodwillGiven
from events.ids import AccountId, SourceId, derive, fact_id
from gateway.access import roles
from gateway.access.acts import Draft, Told
from gateway.access.permissions import ADMIN
from gateway.api.contract import contract
from gateway.api.documents import at
from gateway.generations.idempotency import idempotency_key
from gateway.grants.documents import AwardDocument, GoodwillRequest
from gateway.grants.promotions import DAY_MS
from gateway.web.cursors import token_header
from gateway.web.errors import Problem, field_problem
from gateway.web.http import id_in_path
from gateway.web.replies import body_of, deps_of, reply, signed_in
from runtime.postgres.pool import Connection
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("goodwill.sql"))
GROUP: Final = "Administration"
_decoder = msgspec.json.Decoder(GoodwillRequest)


@post(
    "/admin/accounts/{account_id:str}/goodwill",
    status_code=201,
    opt=contract(
        GROUP,
        "give_goodwill",
        "Give an account credits, to make up for something.",
        {201: AwardDocument},
        body=GoodwillRequest,
        headers=("Idempotency-Key",),
        problems=(
            "idempotency-key-missing",
            "idempotency-key-invalid",
            "idempotency-key-reused",
            "goodwill-to-self",
        ),
        roles=(ADMIN,),
        details=(
            "Recorded for ever, with who gave it and why. Repeated with the same "
            "`Idempotency-Key` it is the same act, and the answer has `Idempotent-Replay: true`. "
            "Nobody gives to themselves."
        ),
    ),
)
async def give(request: Request[Any, Any, Any], account_id: FromPath[str]) -> ASGIApp:
    """Give it, and tell the log."""
    deps = deps_of(request)
    actor = await signed_in(request)
    key = idempotency_key(request.scope["headers"])
    target = AccountId(id_in_path(account_id, "account"))
    data = await body_of(request, _decoder)
    if data.credits > deps.settings.goodwill_credits_max:
        raise field_problem("credits", f"must be at most {deps.settings.goodwill_credits_max}")
    if target == actor.account_id:
        raise Problem("goodwill-to-self", "Nobody gives to themselves. Ask another admin.")
    days = deps.settings.goodwill_days if data.expires_days is UNSET else data.expires_days
    source_id = SourceId(derive("goodwill", actor.account_id, target, key))
    draft = await deps.acts.draft(target, actor.account_id, data.reason)
    row: Any = None
    again = False

    async def change(connection: Connection) -> Sequence[Told]:
        nonlocal row, again
        await roles.lock(connection, UUID(target))
        again = not await connection.fetchval(
            QUERIES.give, UUID(source_id), UUID(target), data.credits, days
        )
        row = await connection.fetchrow(QUERIES.get_given, UUID(source_id))
        if again:
            return []
        return [_told(draft, target, actor.account_id, source_id, data, row)]

    position = await deps.acts.do(target, change)
    headers = [] if position is None else [token_header(position.partition, position.offset)]
    if again:
        if (row["credits"], row["expires_days"]) != (data.credits, days):
            raise Problem(
                "idempotency-key-reused",
                "This Idempotency-Key gave something else. Use a new key for a new act.",
            )
        headers.append((b"idempotent-replay", b"true"))
    document = AwardDocument(
        grant_id=source_id,
        why=GoodwillGiven.why,
        credits=row["credits"],
        expires_at=at(_ends_at_ms(row)),
    )
    return reply(document, 201, headers)


def _ends_at_ms(row: Any) -> int:
    return int(row["given_at_ms"]) + int(row["expires_days"]) * DAY_MS


def _told(
    draft: Draft,
    target: AccountId,
    actor: AccountId,
    source_id: SourceId,
    data: GoodwillRequest,
    row: Any,
) -> Told:
    event_id = fact_id(source_id, "given")
    event = GoodwillGiven(
        account_id=target,
        occurred_at_ms=row["given_at_ms"],
        source_id=source_id,
        credits=row["credits"],
        expires_at_ms=_ends_at_ms(row),
        actor=actor,
        reason=draft.sealed(data.reason, event_id, "reason"),
    )
    return Told(event_id, event)
