"""For admins: appeals, and what is decided about them; and what was judged how often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp
from msgspec import Meta

from events.ids import AccountId, GenerationId, fact_id
from events.moderation import AppealOverturned, AppealUpheld
from gateway.access.acts import Told
from gateway.access.admin_documents import ReasonRequest
from gateway.access.permissions import ADMIN, ANALYST
from gateway.api.contract import contract
from gateway.api.documents import at
from gateway.deps import Deps
from gateway.generations.reads import QUERIES as GENERATIONS
from gateway.moderation.appeals import QUERIES
from gateway.moderation.documents import (
    AppealsDocument,
    OpenAppealDocument,
    SaidDocument,
    StatisticsDocument,
    VerdictsOfDay,
)
from gateway.web.errors import Problem
from gateway.web.http import id_in_path
from gateway.web.replies import body_of, deps_of, query_of, reply, signed_in
from runtime.crypto.keys import KeyDestroyed
from runtime.crypto.sealing import Unsealable, unseal
from runtime.postgres.pool import Connection, as_account, borrowed

GROUP: Final = "Administration"
SHOWN_MAX: Final = 50
DAYS_MAX: Final = 92
DAY_MS: Final = 86_400_000
OPEN, UPHELD, OVERTURNED = "open", "upheld", "overturned"
_reason = msgspec.json.Decoder(ReasonRequest)


class AppealsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which appeals."""

    status: Literal["open", "upheld", "overturned"] = "open"


class StatisticsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far back."""

    days: Annotated[int, Meta(ge=1, le=DAYS_MAX, description="Until now.")] = 30


@get(
    "/admin/appeals",
    opt=contract(
        GROUP,
        "list_appeals",
        "Appeals, the oldest first.",
        {200: AppealsDocument},
        query=AppealsQuery,
        roles=(ADMIN,),
        gives={"account_id": "/items/0/account_id", "appeal_id": "/items/0/id"},
        details=(
            f"At most {SHOWN_MAX}. Who appeals agrees that words and prompt are read by who "
            "decides."
        ),
    ),
)
async def list_appeals(request: Request[Any, Any, Any]) -> ASGIApp:
    """What is to be decided, or was."""
    deps = deps_of(request)
    await signed_in(request)
    query = query_of(request, AppealsQuery)
    async with borrowed(deps.pool) as connection:
        rows = await connection.fetch(QUERIES.appeals_in, query.status, SHOWN_MAX)
    documents = [await _document(deps, row["account_id"], row["appeal_id"]) for row in rows]
    return reply(AppealsDocument(items=tuple(one for one in documents if one is not None)))


@post(
    "/admin/accounts/{account_id:str}/appeals/{appeal_id:str}/uphold",
    status_code=200,
    opt=contract(
        GROUP,
        "uphold_refusal",
        "Let a refusal stand.",
        {200: OpenAppealDocument},
        body=ReasonRequest,
        problems=("appeal-decided",),
        roles=(ADMIN,),
        details="Decided so already, nothing happens.",
    ),
)
async def uphold(
    request: Request[Any, Any, Any], account_id: FromPath[str], appeal_id: FromPath[str]
) -> ASGIApp:
    """Decide it, and tell the log."""
    return await _decide(request, account_id, appeal_id, UPHELD)


@post(
    "/admin/accounts/{account_id:str}/appeals/{appeal_id:str}/overturn",
    status_code=200,
    opt=contract(
        GROUP,
        "overturn_refusal",
        "Overturn a refusal.",
        {200: OpenAppealDocument},
        body=ReasonRequest,
        problems=("appeal-decided",),
        roles=(ADMIN,),
        details=(
            "From then on this account may send the same request again: neither the word lists nor "
            "who reads prompts stop it. Pictures are looked at as ever. Decided so already, "
            "nothing happens."
        ),
    ),
)
async def overturn(
    request: Request[Any, Any, Any], account_id: FromPath[str], appeal_id: FromPath[str]
) -> ASGIApp:
    """Decide it, and tell the log."""
    return await _decide(request, account_id, appeal_id, OVERTURNED)


@get(
    "/admin/moderation/statistics",
    opt=contract(
        GROUP,
        "moderation_statistics",
        "What was judged how often, by day, stage and rule.",
        {200: StatisticsDocument},
        query=StatisticsQuery,
        roles=(ADMIN, ANALYST),
        details=(
            "Of all accounts together and of nobody's words. What erased accounts asked for is not "
            "counted any more."
        ),
    ),
)
async def statistics(request: Request[Any, Any, Any]) -> ASGIApp:
    """Count."""
    deps = deps_of(request)
    await signed_in(request)
    query = query_of(request, StatisticsQuery)
    until_ms = deps.clock.now_ms() + 1
    since_ms = until_ms - query.days * DAY_MS
    async with borrowed(deps.pool) as connection:
        rows = await connection.fetch(QUERIES.statistics, since_ms, until_ms)
    items = tuple(
        VerdictsOfDay(
            day=row["day"].isoformat(),
            stage=row["stage"],
            provider=row["provider"],
            verdict=row["verdict"],
            rule_id=row["rule_id"],
            count=row["verdicts"],
        )
        for row in rows
    )
    return reply(StatisticsDocument(since=at(since_ms), until=at(until_ms), items=items))


async def _decide(
    request: Request[Any, Any, Any], account_id: str, appeal_id: str, state: str
) -> ASGIApp:
    deps = deps_of(request)
    actor = await signed_in(request)
    target = AccountId(id_in_path(account_id, "account"))
    asked = UUID(id_in_path(appeal_id, "appeal"))
    data = await body_of(request, _reason)
    draft = await deps.acts.draft(target, actor.account_id, data.reason)

    async def change(connection: Connection) -> Sequence[Told]:
        row = await connection.fetchrow(QUERIES.get_appeal, UUID(target), asked)
        if row is None or row["state"] == state:
            return []
        if await connection.fetchval(QUERIES.decide, UUID(target), asked, state) is None:
            raise Problem("appeal-decided", f"This appeal was decided already: {row['state']}.")
        about = {
            "generation_id": GenerationId(str(row["generation_id"])),
            "appeal_id": str(asked),
        }
        kind: type[AppealUpheld | AppealOverturned] = AppealUpheld
        if state == OVERTURNED:
            kind, about["body_mac"] = AppealOverturned, row["body_mac"]
        event_id = fact_id(str(asked), state)
        return [draft.event(kind, before=[OPEN], after=[state], event_id=event_id, **about)]

    await deps.acts.do(target, change)
    document = await _document(deps, UUID(target), asked)
    if document is None:
        raise Problem("not-found", "This account has no appeal with this id.")
    return reply(document)


async def _document(deps: Deps, account_id: UUID, appeal_id: UUID) -> OpenAppealDocument | None:
    async with as_account(deps.pool, account_id) as connection:
        row = await connection.fetchrow(QUERIES.get_appeal, account_id, appeal_id)
        if row is None:
            return None
        generation_id = row["generation_id"]
        asked = await connection.fetchrow(GENERATIONS.get_generation, account_id, generation_id)
        said = await connection.fetch(QUERIES.get_verdicts, account_id, generation_id)
    try:
        key = await deps.keys.get(account_id)
    except KeyDestroyed:
        return None

    def opened(text: str | None, event_id: str, field: str) -> str | None:
        try:
            return text and unseal(
                key, text, account_id=account_id, event_id=UUID(event_id), field=field
            )
        except Unsealable:
            return None

    requested = fact_id(str(generation_id), "requested")
    prompts = {} if asked is None else asked
    return OpenAppealDocument(
        id=str(appeal_id),
        account_id=str(account_id),
        generation_id=str(generation_id),
        status=row["state"],
        reason=row["reason"],
        words=opened(row["words"], fact_id(str(appeal_id), "filed"), "words"),
        prompt=opened(prompts.get("prompt"), requested, "prompt"),
        negative_prompt=opened(prompts.get("negative_prompt"), requested, "negative_prompt"),
        verdicts=tuple(
            SaidDocument(
                stage=one["stage"],
                verdict=one["verdict"],
                rule_id=one["rule_id"],
                provider=one["provider"],
                index=None if one["index"] < 0 else one["index"],
            )
            for one in said
        ),
        filed_at=at(row["filed_at_ms"]),
        decided_at=at(row["decided_at_ms"]),
    )
