"""Sign-in: `POST /auth/login`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.types import ASGIApp
from msgspec import UNSET, Meta, UnsetType

from gateway.api.contract import contract
from gateway.api.documents import Balance, LoginDocument, UserDocument
from gateway.deps import Deps
from gateway.identity.outside import invitation
from gateway.identity.proofs import Proof
from gateway.identity.sign_in import SignedIn
from gateway.live.changes import Granted
from gateway.live.hub import Subscription
from gateway.web.cursors import LogPosition, token_header
from gateway.web.errors import Problem
from gateway.web.replies import body_of, deps_of, reply
from runtime.postgres.pool import as_account
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("auth.sql"))

WELCOME_WAIT_SECONDS: Final = 1.0
"""How long a first sign-in waits for its welcome grant, so that it can show it."""


class LoginRequest(Proof, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who wants to sign in, proved in one of three ways."""

    session_key: (
        Annotated[
            str,
            Meta(
                min_length=16,
                max_length=128,
                description=(
                    "A random secret that the client makes and keeps. A proof opens one session; "
                    "only with the same key it opens one again: after a lost answer, or a reload."
                ),
            ),
        ]
        | UnsetType
    ) = UNSET
    ref: (
        Annotated[
            str,
            Meta(
                max_length=64,
                description=(
                    "Who invited: the code of a friend's GET /referrals. In a MiniApp the link "
                    "says it. It counts at the first sign-in ever; one that is none is no error."
                ),
            ),
        ]
        | UnsetType
    ) = UNSET


_decoder = msgspec.json.Decoder(LoginRequest)


@post(
    "/auth/login",
    opt=contract(
        "Sign-in",
        "sign_in",
        "Sign in with a proof of identity.",
        {200: LoginDocument},
        body=LoginRequest,
        problems=(
            "init-data-invalid",
            "init-data-expired",
            "proof-used",
            "oidc-invalid",
            "oidc-not-configured",
            "login-widget-off",
            "oidc-unavailable",
            "account-erased",
            "account-banned",
            "database-unavailable",
            "append-unknown",
            "log-overloaded",
        ),
        public=True,
        gives={"account_id": "/user/id"},
        details=(
            "A MiniApp sends `Telegram.WebApp.initData` as it is; a page in a browser sends what "
            "the Telegram Login Widget gave it, or what came back from the issuer of OpenID "
            "Connect (see POST /auth/oidc). The answer holds an access token for `Authorization: "
            "Bearer …`. A first sign-in makes the account, and Telegram's users get the welcome "
            "credits. A client that would rather keep no token may send `Authorization: tma <init "
            "data>` with every request instead; init data is good for one of the two."
        ),
    ),
)
async def login(request: Request[Any, Any, Any]) -> ASGIApp:
    """Check the proof; answer with an access token, the user and the balance."""
    deps = deps_of(request)
    data = await body_of(request, _decoder)
    outside = await deps.proofs.check(data)
    if data.ref is not UNSET and not outside.invited_by:
        outside = msgspec.structs.replace(outside, invited_by=invitation(data.ref))
    session_key = None if data.session_key is UNSET else data.session_key
    signed_in = await deps.sign_in.enter(outside, session_key=session_key)
    position = await _welcome(deps, signed_in)
    document = LoginDocument(
        access_token=deps.tokens.issue(
            signed_in.account_id,
            deps.settings.access_token_ttl_seconds,
            proved_at=outside.proved_at,
            means=outside.means,
        ),
        token_type="Bearer",  # noqa: S106  the name of a scheme
        expires_in=deps.settings.access_token_ttl_seconds,
        user=UserDocument(
            id=signed_in.account_id,
            telegram_id=outside.telegram_id,
            first_name=outside.first_name,
            last_name=outside.last_name,
            username=outside.username,
            language=outside.language or None,
        ),
        balance=await _balance(deps, UUID(signed_in.account_id)),
    )
    headers = [] if position is None else [token_header(*position)]
    return reply(document, headers=headers)


async def _welcome(deps: Deps, signed_in: SignedIn) -> LogPosition | None:
    """For a first sign-in: wait, not for long, until the welcome grant can be read."""
    registered = signed_in.registered_at
    if registered is None:
        return None
    position = LogPosition(registered.partition, registered.offset)
    if not signed_in.welcomed:
        return position
    try:
        subscription = deps.hub.subscribe(signed_in.account_id)
    except Problem:
        return position  # too many wait already; the proof is used up, so this one must get in
    try:
        async with asyncio.timeout(WELCOME_WAIT_SECONDS):
            position = await _granted(deps, signed_in.account_id, position, subscription)
            await deps.consistency.passed(position)
    except TimeoutError:
        pass  # the grant is on its way; the answer only shows it later
    finally:
        deps.hub.unsubscribe(subscription)
    return position


async def _granted(
    deps: Deps, account_id: str, registered: LogPosition, subscription: Subscription
) -> LogPosition:
    # From its beginning: of two first sign-ins at once, the other one's may have brought it.
    items = deps.hub.since(account_id, 0)
    while not subscription.cut:
        for item in items:
            if isinstance(item.change, Granted):
                return LogPosition(item.partition, max(item.offset, registered.offset))
        items = await subscription.get(WELCOME_WAIT_SECONDS)
    return registered


async def _balance(deps: Deps, account_id: UUID) -> Balance:
    async with as_account(deps.pool, account_id) as connection:
        row = await connection.fetchrow(_QUERIES.get_balance, account_id)
    if row is None:
        return Balance()
    return Balance(available=row["available"], reserved=row["reserved"], debt=row["debt"])
