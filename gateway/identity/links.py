"""The outside identities of an account: seen, linked and unlinked by its owner.

Whoever can link an identity can keep an account for ever, so a sign-in from long ago is not enough
for it, and neither is anything but a person's own session. Nobody sheds a debt by unlinking who
they are, and nobody locks themselves out.
"""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, delete, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from events.envelope import rfc3339
from gateway.api.contract import contract
from gateway.api.documents import Id, Time, says
from gateway.deps import Deps
from gateway.identity.outside import TELEGRAM
from gateway.identity.proofs import Proof
from gateway.identity.signed_in import Account
from gateway.identity.standing import BANNED, ERASED
from gateway.web.errors import Problem
from gateway.web.http import id_in_path
from gateway.web.replies import body_of, deps_of, nothing, reply, signed_in
from runtime.postgres.pool import as_account
from runtime.queries import load_queries

OIDC: Final = "oidc"
PROOF_PROBLEMS: Final = (
    "init-data-invalid",
    "init-data-expired",
    "proof-used",
    "oidc-invalid",
    "oidc-not-configured",
    "login-widget-off",
    "oidc-unavailable",
)

_QUERIES = load_queries(Path(__file__).with_name("links.sql"))
_decoder = msgspec.json.Decoder(Proof)


class IdentityDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Who somebody is outside; shown to that person only."""

    id: Id
    provider: Annotated[str, says("`telegram` or `oidc`.")]
    issuer: Annotated[
        str | None, says("Of `oidc`: the issuer, if it is the one that is set up now.")
    ]
    subject_id: Annotated[str, says("Who it is there: of `telegram` the user's id.")]
    linked_at: Time


class Identities(msgspec.Struct, frozen=True, kw_only=True):
    """All of an account, the oldest first."""

    items: tuple[IdentityDocument, ...]


@get(
    "/me/identities",
    opt=contract(
        "Account",
        "list_identities",
        "The identities that sign in to this account.",
        {200: Identities},
        gives={"link_id": "/items/0/id"},
        details="Each of them alone is enough to sign in.",
    ),
)
async def show(request: Request[Any, Any, Any]) -> ASGIApp:
    """All of them; there are few."""
    deps = deps_of(request)
    account = await signed_in(request)
    async with as_account(deps.pool, account.uuid) as connection:
        rows = await connection.fetch(_QUERIES.list_links, account.uuid)
    return reply(Identities(items=tuple(_document(deps, row) for row in rows)))


@post(
    "/me/identities",
    status_code=201,
    opt=contract(
        "Account",
        "link_identity",
        "Let one more identity sign in to this account.",
        {200: IdentityDocument, 201: IdentityDocument},
        body=Proof,
        problems=(
            *PROOF_PROBLEMS,
            "sign-in-too-old",
            "identity-taken",
            "too-many-identities",
        ),
        gives={"link_id": "/id"},
        details=(
            "Send a proof of it, as to POST /auth/login; 200 if it was linked before. It must not "
            "sign in to another account: accounts are not merged. As this lets somebody in for "
            "good, the sign-in of this session must be recent."
        ),
    ),
)
async def link(request: Request[Any, Any, Any]) -> ASGIApp:
    """Check the proof, use it up, link whom it leads to."""
    deps = deps_of(request)
    account = await signed_in(request)
    _refuse_old(deps, account)
    outside = await deps.proofs.check(await body_of(request, _decoder))
    await deps.sign_in.use(outside)
    async with as_account(deps.pool, account.uuid) as connection:
        outcome = await connection.fetchval(
            _QUERIES.link,
            outside.provider,
            outside.subject_id,
            deps.sign_in.mark_of(outside),
            deps.settings.identities_per_account_max,
        )
        row = await connection.fetchrow(
            _QUERIES.get_link, account.uuid, outside.provider, outside.subject_id
        )
    if outcome == "taken":
        raise Problem(
            "identity-taken",
            "This identity signs in to another account. Sign in there and unlink it, or erase that "
            "account; then link it here.",
        )
    if outcome == "banned":
        raise Problem("account-banned", BANNED)
    if outcome == "full":
        raise Problem(
            "too-many-identities",
            f"This account has {deps.settings.identities_per_account_max} identities, which is the "
            "most. Unlink one first.",
        )
    if row is None:
        raise Problem("account-erased", ERASED)
    deps.authenticator.forget(account.account_id)
    return reply(_document(deps, row), 201 if outcome == "linked" else 200)


@delete(
    "/me/identities/{link_id:str}",
    status_code=200,  # the reply sends 204 itself
    opt=contract(
        "Account",
        "unlink_identity",
        "Take an identity from this account.",
        {204: None},
        problems=("sign-in-too-old", "identity-last", "identity-owes"),
        details=(
            "It can no longer sign in here, and makes an account of its own if it signs in again. "
            "The last one stays, and none can be taken from an account that has debts. Sessions "
            "that it opened go on until they are over."
        ),
    ),
)
async def unlink(request: Request[Any, Any, Any], link_id: FromPath[str]) -> ASGIApp:
    """Unless it is the last, or the account owes something."""
    deps = deps_of(request)
    account = await signed_in(request)
    name = UUID(id_in_path(link_id, "identity"))
    _refuse_old(deps, account)
    async with as_account(deps.pool, account.uuid) as connection:
        debt = await connection.fetchval(_QUERIES.get_debt, account.uuid)
        if debt:
            raise Problem(
                "identity-owes",
                f"The account owes {debt} credits. Pay them before you take an identity away.",
            )
        outcome = await connection.fetchval(_QUERIES.unlink, name)
    if outcome == "missing":
        raise Problem("not-found", "There is no identity with this id.")
    if outcome == "last":
        raise Problem(
            "identity-last",
            "This is the only way to sign in to this account. Link another one first, or erase the "
            "account.",
        )
    deps.authenticator.forget(account.account_id)
    return nothing()


def _refuse_old(deps: Deps, account: Account) -> None:
    """Refuse a session whose proof is from long ago; signing in by the same again does not help.

    Raises:
        Problem: it was.
    """
    limit_seconds = deps.settings.recent_sign_in_seconds
    if time.time() - account.signed_in_at > limit_seconds:
        raise Problem(
            "sign-in-too-old",
            f"You proved who you are more than {limit_seconds // 60 or 1} minutes ago. Open the "
            "MiniApp anew, or sign in again with new data, then repeat this.",
        )


def _document(deps: Deps, row: Any) -> IdentityDocument:
    linked_at: datetime = row["linked_at"]
    from_telegram = row["provider"] == TELEGRAM
    current = row["provider"] == deps.oidc.provider
    return IdentityDocument(
        id=str(row["link_id"]),
        provider=TELEGRAM if from_telegram else OIDC,
        issuer=deps.settings.oidc_issuer if current else None,
        subject_id=row["subject_id"],
        linked_at=rfc3339(int(linked_at.timestamp() * 1000)),
    )
