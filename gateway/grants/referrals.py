"""Inviting friends: `GET /referrals`, and what both sides are given for it.

Who came by somebody's link is noted at the sign-in. Both sides are rewarded after the friend's
first finished picture: the read models say whose credits were spent, PostgreSQL decides once who
gets how much, and its row is the outbox from which the log is told.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg
from litestar import Request, get
from litestar.types import ASGIApp

from events.grants import ReferralRewarded
from events.ids import AccountId, SourceId, derive, fact_id
from gateway.api.contract import contract
from gateway.events_out import EVENTS, outgoing
from gateway.grants.documents import ReferralsDocument
from gateway.grants.promotions import DAY_MS
from gateway.identity.outside import INVITATION
from gateway.web.errors import Problem
from gateway.web.replies import deps_of, reply, signed_in
from runtime.postgres.pool import Pool, as_account, borrowed
from runtime.queries import load_queries
from runtime.settings import Settings

if TYPE_CHECKING:
    from gateway.deps import Log

QUERIES = load_queries(Path(__file__).with_name("referrals.sql"))
CODE_BYTES: Final = 12
PAGE: Final = 500
_BEGINNING: Final = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


@get(
    "/referrals",
    opt=contract(
        "Grants",
        "read_referrals",
        "The code that invites friends, and what came of it.",
        {200: ReferralsDocument},
        problems=("account-erased",),
        details=(
            "Give friends a link with `start_parameter`, as `?startapp=` of the bot's MiniApp or "
            "`?start=` of the bot, or have them send `ref` with POST /auth/login. Who signs in for "
            "the first time ever by it is a friend; after their first finished picture both of you "
            "get credits. Who they are is never said."
        ),
    ),
)
async def read_referrals(request: Request[Any, Any, Any]) -> ASGIApp:
    """Make the account's code, if it has none, and count its friends."""
    deps = deps_of(request)
    account = await signed_in(request)
    try:
        async with as_account(deps.pool, account.uuid) as connection:
            code = await connection.fetchval(QUERIES.get_code, account.uuid)
            if code is None:
                fresh = secrets.token_urlsafe(CODE_BYTES)
                await connection.execute(QUERIES.add_code, account.uuid, fresh)
                code = await connection.fetchval(QUERIES.get_code, account.uuid)
            row = await connection.fetchrow(QUERIES.own_referrals)
    except asyncpg.ForeignKeyViolationError as error:
        raise Problem("account-erased", "This account was erased.") from error
    settings = deps.settings
    return reply(
        ReferralsDocument(
            code=code,
            start_parameter=INVITATION + code,
            friends_waiting=row["waiting"],
            friends_rewarded=row["rewarded"],
            friends_rewarded_max=settings.referral_rewards_max,
            credits_earned=row["earned"],
            inviter_credits=settings.referral_inviter_credits,
            friend_credits=settings.referral_friend_credits,
        )
    )


class Referrals:
    """Rewards both sides of referrals whose friend was delivered a picture.

    Args:
        settings: how much, for how long, how often.
        pool: knows who invited whom.
        log: where it is told.
    """

    def __init__(self, settings: Settings, pool: Pool, log: Log) -> None:
        self._settings = settings
        self._pool = pool
        self._log = log
        self._looked_at = _BEGINNING

    async def turn(self) -> int:
        """Look at one page of those who wait, and tell what was decided; how many it told.

        Raises:
            PixelpopError: database or log cannot be reached; nothing is lost.
        """
        settings = self._settings
        async with borrowed(self._pool) as connection:
            rows = await connection.fetch(
                QUERIES.waiting, settings.referral_days, *self._looked_at, PAGE
            )
            friends = [row["account_id"] for row in rows]
            delivered = await connection.fetch(QUERIES.delivered, friends) if friends else []
            for row in delivered:
                await connection.fetchval(
                    QUERIES.reward,
                    row["account_id"],
                    settings.referral_friend_credits,
                    settings.referral_inviter_credits,
                    settings.referral_credits_days,
                    settings.referral_rewards_max,
                )
            untold = await connection.fetch(QUERIES.untold, PAGE)
        last = rows[-1] if len(rows) == PAGE else None
        self._looked_at = _BEGINNING if last is None else (last["joined_at"], last["account_id"])
        for row in untold:
            await self._tell(row)
        return len(untold)

    async def _tell(self, row: Any) -> None:
        await self._tell_side(row, "friend", row["account_id"], row["friend_credits"])
        if row["inviter"] is not None:
            await self._tell_side(row, "inviter", row["inviter"], row["inviter_credits"])
        async with borrowed(self._pool) as connection:
            await connection.execute(QUERIES.told, row["account_id"])

    async def _tell_side(self, row: Any, side: str, account: UUID, credits_given: int) -> None:
        if not credits_given:
            return
        account_id = AccountId(str(account))
        source_id = SourceId(derive("referral", str(row["referral_id"]), side))
        at_ms = row["rewarded_at_ms"]
        event = ReferralRewarded(
            account_id=account_id,
            occurred_at_ms=at_ms,
            source_id=source_id,
            credits=credits_given,
            expires_at_ms=at_ms + row["credits_days"] * DAY_MS,
            referral_id=str(row["referral_id"]),
            side=side,
        )
        fact = fact_id(source_id, "rewarded")
        await self._log.append(
            EVENTS, outgoing(event, fact, correlation_id=source_id, time_ms=at_ms)
        )
