"""For admins: roles and bans. Every act is an event with actor, reason, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from events.ids import AccountId
from gateway.access import roles
from gateway.access.acts import Change, Told
from gateway.access.admin_documents import AccountDocument, ReasonRequest, RoleRequest
from gateway.access.admin_store import ACTIVE, BANNED, QUERIES, set_banned
from gateway.access.permissions import ADMIN
from gateway.api.contract import contract
from gateway.api.documents import at
from gateway.deps import Deps
from gateway.web.errors import Problem
from gateway.web.http import id_in_path
from gateway.web.replies import body_of, deps_of, reply, signed_in
from runtime.postgres.pool import Connection, as_account

GROUP: Final = "Administration"
WHAT: Final = "account"
_reason = msgspec.json.Decoder(ReasonRequest)
_role = msgspec.json.Decoder(RoleRequest)


@get(
    "/admin/accounts/{account_id:str}",
    opt=contract(
        GROUP,
        "read_account",
        "An account: whether it is banned, and its roles.",
        {200: AccountDocument},
        roles=(ADMIN,),
        details="Nothing of what its owner wrote is shown.",
    ),
)
async def read(request: Request[Any, Any, Any], account_id: FromPath[str]) -> ASGIApp:
    """How it stands."""
    deps = deps_of(request)
    await signed_in(request)
    return reply(await document_of(deps, AccountId(id_in_path(account_id, WHAT))))


@post(
    "/admin/accounts/{account_id:str}/roles",
    status_code=200,
    opt=contract(
        GROUP,
        "grant_role",
        "Give an account a role.",
        {200: AccountDocument},
        body=RoleRequest,
        roles=(ADMIN,),
        details="Felt by its next request, everywhere. Granted already, nothing happens.",
    ),
)
async def grant_role(request: Request[Any, Any, Any], account_id: FromPath[str]) -> ASGIApp:
    """Grant it, and tell the log."""
    deps = deps_of(request)
    actor = await signed_in(request)
    target = AccountId(id_in_path(account_id, WHAT))
    data = await body_of(request, _role)
    draft = await deps.acts.draft(target, actor.account_id, data.reason)

    async def change(connection: Connection) -> Sequence[Told]:
        return await roles.grant(connection, target, data.role, actor.account_id, draft)

    return await _done(deps, target, change)


@post(
    "/admin/accounts/{account_id:str}/roles/revoke",
    status_code=200,
    opt=contract(
        GROUP,
        "revoke_role",
        "Take a role from an account.",
        {200: AccountDocument},
        body=RoleRequest,
        problems=("role-from-settings",),
        roles=(ADMIN,),
        details="Felt by its next request, everywhere. Not held, nothing happens.",
    ),
)
async def revoke_role(request: Request[Any, Any, Any], account_id: FromPath[str]) -> ASGIApp:
    """Revoke it, and tell the log."""
    deps = deps_of(request)
    actor = await signed_in(request)
    target = AccountId(id_in_path(account_id, WHAT))
    data = await body_of(request, _role)
    draft = await deps.acts.draft(target, actor.account_id, data.reason)
    if data.role in await deps.access.appointed_of(target):
        raise Problem(
            "role-from-settings",
            f"The settings give this account the role {data.role}. Change them instead.",
        )

    async def change(connection: Connection) -> Sequence[Told]:
        return await roles.revoke(connection, target, data.role, draft)

    return await _done(deps, target, change)


@post(
    "/admin/accounts/{account_id:str}/ban",
    status_code=200,
    opt=contract(
        GROUP,
        "ban_account",
        "Block an account and its person.",
        {200: AccountDocument},
        body=ReasonRequest,
        problems=("account-is-admin",),
        roles=(ADMIN,),
        details=(
            "Everything that speaks for it is refused at once, everywhere, and its streams end. "
            "The person is blocked with every account, also after an erasure. Banned already, "
            "nothing happens. An admin must lose that role first."
        ),
    ),
)
async def ban(request: Request[Any, Any, Any], account_id: FromPath[str]) -> ASGIApp:
    """Ban it, and tell the log."""
    return await _set_banned(request, account_id, banned=True)


@post(
    "/admin/accounts/{account_id:str}/unban",
    status_code=200,
    opt=contract(
        GROUP,
        "unban_account",
        "Lift a ban.",
        {200: AccountDocument},
        body=ReasonRequest,
        roles=(ADMIN,),
        details="Of the account and its person. Not banned, nothing happens.",
    ),
)
async def unban(request: Request[Any, Any, Any], account_id: FromPath[str]) -> ASGIApp:
    """Lift it, and tell the log."""
    return await _set_banned(request, account_id, banned=False)


async def _set_banned(request: Request[Any, Any, Any], account_id: str, *, banned: bool) -> ASGIApp:
    deps = deps_of(request)
    actor = await signed_in(request)
    target = AccountId(id_in_path(account_id, WHAT))
    data = await body_of(request, _reason)
    draft = await deps.acts.draft(target, actor.account_id, data.reason)
    if banned and ADMIN in await deps.access.roles_of(target):
        raise Problem(
            "account-is-admin", "This account is an admin's. Take the role from it first."
        )

    async def change(connection: Connection) -> Sequence[Told]:
        return await set_banned(connection, target, draft, deps.masters, banned=banned)

    return await _done(deps, target, change)


async def _done(deps: Deps, target: AccountId, change: Change) -> ASGIApp:
    await deps.acts.do(target, change)
    deps.authenticator.forget(target)  # the tail will say so too, a moment later
    return reply(await document_of(deps, target))


async def document_of(deps: Deps, account_id: AccountId) -> AccountDocument:
    """An account as admins see it.

    Raises:
        Problem: there is no such account.
    """
    uuid = UUID(account_id)
    async with as_account(deps.pool, uuid) as connection:
        created_at = await connection.fetchval(QUERIES.get_created, uuid)
        banned = await connection.fetchval(QUERIES.is_banned, uuid)
        granted = await roles.granted_roles(connection, uuid)
    if created_at is None:
        raise Problem("not-found", roles.NO_ACCOUNT)
    return AccountDocument(
        id=account_id,
        status=BANNED if banned else ACTIVE,
        roles=tuple(granted),
        appointed_roles=tuple(sorted(await deps.access.appointed_of(account_id))),
        created_at=at(int(created_at.timestamp() * 1000)),
    )
