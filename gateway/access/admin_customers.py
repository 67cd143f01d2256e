"""For admins: accounts of API customers, who have no Telegram, and their keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from events.ids import AccountId
from gateway.access import roles
from gateway.access.acts import Told
from gateway.access.admin import GROUP, WHAT, document_of
from gateway.access.admin_documents import (
    CustomerDocument,
    CustomerKeyRequest,
    CustomerRequest,
    ReasonRequest,
)
from gateway.access.admin_store import QUERIES, NewCustomer
from gateway.access.api_keys_store import ApiKeys, NewApiKeyDocument, NewKey, list_keys, revoke
from gateway.access.permissions import ADMIN
from gateway.api.contract import contract
from gateway.web.errors import Problem
from gateway.web.http import id_in_path
from gateway.web.replies import body_of, deps_of, nothing, reply, signed_in
from runtime.postgres.pool import Connection, as_account

_customer = msgspec.json.Decoder(CustomerRequest)
_key = msgspec.json.Decoder(CustomerKeyRequest)
_reason = msgspec.json.Decoder(ReasonRequest)


@post(
    "/admin/customers",
    status_code=201,
    opt=contract(
        GROUP,
        "admit_customer",
        "Make an account for an API customer, and its first key.",
        {201: CustomerDocument},
        body=CustomerRequest,
        roles=(ADMIN,),
        gives={"account_id": "/account/id", "key_id": "/api_key/id"},
        details=(
            "Nobody signs in to it: its owner has API keys. The key is shown in this answer and "
            "never again. Give it the scope `api-keys:manage` if the customer shall make, rotate "
            "and revoke keys without you. There is no welcome grant."
        ),
    ),
)
async def admit(request: Request[Any, Any, Any]) -> ASGIApp:
    """Make the account, register it in the log, make the key."""
    deps = deps_of(request)
    actor = await signed_in(request)
    data = await body_of(request, _customer)
    customer = NewCustomer(deps.masters)
    draft, told = customer.events(data.customer, actor.account_id, data.reason, deps.clock.now_ms())
    new = NewKey(customer.account_id, actor.account_id, data, draft)

    async def change(connection: Connection) -> Sequence[Told]:
        await customer.add(connection)
        made = await new.add(connection, deps.settings.api_keys_per_account_max)
        return [*told, *made]

    await deps.acts.do(customer.account_id, change)
    account = await document_of(deps, customer.account_id)
    return reply(CustomerDocument(account=account, api_key=new.document()), 201)


@post(
    "/admin/accounts/{account_id:str}/api-keys",
    status_code=201,
    opt=contract(
        GROUP,
        "create_customer_key",
        "Make a further API key for an API customer.",
        {201: NewApiKeyDocument},
        body=CustomerKeyRequest,
        problems=("account-is-person", "too-many-api-keys", "account-erased"),
        roles=(ADMIN,),
        gives={"key_id": "/id"},
        details="Not for people's accounts: a key would let an admin act as somebody else.",
    ),
)
async def create_key(request: Request[Any, Any, Any], account_id: FromPath[str]) -> ASGIApp:
    """Make it, and tell the log."""
    deps = deps_of(request)
    actor = await signed_in(request)
    target = AccountId(id_in_path(account_id, WHAT))
    data = await body_of(request, _key)
    draft = await deps.acts.draft(target, actor.account_id, data.reason)
    new = NewKey(target, actor.account_id, data, draft)

    async def change(connection: Connection) -> Sequence[Told]:
        await roles.lock(connection, UUID(target))
        if await connection.fetch(QUERIES.get_links, UUID(target)):
            raise Problem(
                "account-is-person",
                "A person signs in to this account. Only that person may make keys for it.",
            )
        return await new.add(connection, deps.settings.api_keys_per_account_max)

    await deps.acts.do(target, change)
    return reply(new.document(), 201)


@get(
    "/admin/accounts/{account_id:str}/api-keys",
    opt=contract(
        GROUP,
        "list_keys_of_account",
        "An account's API keys, without themselves and without their names.",
        {200: ApiKeys},
        roles=(ADMIN,),
        gives={"key_id": "/items/0/id"},
        details="To find the one that leaked: a key is told by its `hint`, the way it begins.",
    ),
)
async def get_keys(request: Request[Any, Any, Any], account_id: FromPath[str]) -> ASGIApp:
    """The keys; what their owner called them stays sealed."""
    deps = deps_of(request)
    await signed_in(request)
    uuid = UUID(id_in_path(account_id, WHAT))
    async with as_account(deps.pool, uuid) as connection:
        if await connection.fetchval(QUERIES.get_created, uuid) is None:
            raise Problem("not-found", roles.NO_ACCOUNT)
        keys = await list_keys(connection, uuid, None)
    return reply(keys)


@post(
    "/admin/accounts/{account_id:str}/api-keys/{key_id:str}/revoke",
    status_code=200,  # the reply sends 204 itself
    opt=contract(
        GROUP,
        "revoke_key_of_account",
        "Revoke any account's API key.",
        {204: None},
        body=ReasonRequest,
        roles=(ADMIN,),
        details="For a key that leaked. It is refused from now on. Twice is no mistake.",
    ),
)
async def revoke_key(
    request: Request[Any, Any, Any], account_id: FromPath[str], key_id: FromPath[str]
) -> ASGIApp:
    """Revoke it, and tell the log."""
    deps = deps_of(request)
    actor = await signed_in(request)
    target = AccountId(id_in_path(account_id, WHAT))
    asked = UUID(id_in_path(key_id, "API key"))
    data = await body_of(request, _reason)
    draft = await deps.acts.draft(target, actor.account_id, data.reason)

    async def change(connection: Connection) -> Sequence[Told]:
        return await revoke(connection, target, asked, draft)

    await deps.acts.do(target, change)
    deps.authenticator.forget(target)
    return nothing()
