"""For admins and analysts: what providers cost, by day and model."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get
from litestar.types import ASGIApp
from msgspec import Meta

from gateway.access.permissions import ADMIN, ANALYST
from gateway.api.contract import contract
from gateway.api.documents import says
from gateway.money.spending import DAY_MS, QUERIES
from gateway.web.replies import deps_of, query_of, reply, signed_in
from runtime.postgres.pool import borrowed

DAYS_MAX: Final = 92


class SpendingQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far back."""

    days: Annotated[int, Meta(ge=1, le=DAYS_MAX, description="Until now.")] = 30


class SpendOfDay(msgspec.Struct, frozen=True, kw_only=True):
    """What one provider cost for one model on one day."""

    day: Annotated[str, says("UTC, `YYYY-MM-DD`.")]
    provider: str
    model: str
    results: Annotated[int, says("Generations that it ended, with pictures or without.")]
    pictures: int
    cost_micros: Annotated[
        int, says("Millionths of a US dollar, by the catalogue's prices; the invoice may differ.")
    ]
    uncertain_calls: Annotated[int, says("Calls whose outcome nobody knows.")]
    uncertain_micros: Annotated[int, says("What those cost if they were paid.")]


class SpendingDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What providers cost."""

    closed_providers: Annotated[
        tuple[str, ...], says("Those that have spent what they may today, and are not asked.")
    ]
    items: tuple[SpendOfDay, ...]


EXAMPLE: Final = SpendingDocument(
    closed_providers=(),
    items=(
        SpendOfDay(
            day="2026-01-01",
            provider="openai",
            model="gpt-image",
            results=12,
            pictures=20,
            cost_micros=680_000,
            uncertain_calls=1,
            uncertain_micros=34_000,
        ),
    ),
)


@get(
    "/admin/spending",
    opt=contract(
        "Administration",
        "provider_spending",
        "What providers cost, by day and model.",
        {200: SpendingDocument},
        query=SpendingQuery,
        roles=(ADMIN, ANALYST),
        details="Of all accounts together.",
    ),
)
async def spending(request: Request[Any, Any, Any]) -> ASGIApp:
    """Sum it up."""
    deps = deps_of(request)
    await signed_in(request)
    query = query_of(request, SpendingQuery)
    until_ms = deps.clock.now_ms() + 1
    async with borrowed(deps.pool) as connection:
        rows = await connection.fetch(QUERIES.spend, until_ms - query.days * DAY_MS, until_ms)
    return reply(
        SpendingDocument(
            closed_providers=tuple(sorted(await deps.spending.closed())),
            items=tuple(SpendOfDay(**{**dict(row), "day": row["day"].isoformat()}) for row in rows),
        )
    )
