"""API keys for servers: `POST /api-keys`, `GET /api-keys`, `DELETE /api-keys/{id}`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, delete, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from gateway.access.acts import Told
from gateway.access.api_keys_store import (
    KEYS_SHOWN_MAX,
    ApiKeyRequest,
    ApiKeys,
    NewApiKeyDocument,
    NewKey,
    list_keys,
    refuse_more,
    refuse_revoked,
    revoke,
)
from gateway.access.permissions import API_KEYS_MANAGE
from gateway.api.contract import contract
from gateway.web.http import id_in_path
from gateway.web.replies import body_of, deps_of, nothing, reply, signed_in
from runtime.postgres.pool import Connection, as_account

_decoder = msgspec.json.Decoder(ApiKeyRequest)


@post(
    "/api-keys",
    status_code=201,
    opt=contract(
        "API keys",
        "create_api_key",
        "Make an API key.",
        {201: NewApiKeyDocument},
        body=ApiKeyRequest,
        problems=("too-many-api-keys", "account-erased"),
        scopes=(API_KEYS_MANAGE,),
        gives={"key_id": "/id"},
        details=(
            "For servers, which cannot sign in as a person: `Authorization: Bearer pp_live_…`. The "
            "key is shown in this answer and never again; if the answer is lost, revoke the key "
            "and make another. A key that makes keys cannot give them more than it has."
        ),
    ),
)
async def create(request: Request[Any, Any, Any]) -> ASGIApp:
    """Make a key, keep its hash, tell the log."""
    deps = deps_of(request)
    account = await signed_in(request)
    data = await body_of(request, _decoder)
    refuse_more(account, data.scopes)
    draft = await deps.acts.draft(account.account_id, account.account_id, None)
    new = NewKey(account.account_id, account.account_id, data, draft)

    async def change(connection: Connection) -> Sequence[Told]:
        await refuse_revoked(connection, account)
        return await new.add(connection, deps.settings.api_keys_per_account_max)

    await deps.acts.do(account.account_id, change)
    return reply(new.document(), 201)


@get(
    "/api-keys",
    opt=contract(
        "API keys",
        "list_api_keys",
        "The account's API keys, without themselves.",
        {200: ApiKeys},
        scopes=(API_KEYS_MANAGE,),
        gives={"key_id": "/items/0/id"},
        details=(
            f"At most {KEYS_SHOWN_MAX}: those that are good first, then the newest. A key is told "
            "by its `hint`, the way it begins."
        ),
    ),
)
async def get_api_keys(request: Request[Any, Any, Any]) -> ASGIApp:
    """The keys of the account that asks."""
    deps = deps_of(request)
    account = await signed_in(request)
    async with as_account(deps.pool, account.uuid) as connection:
        keys = await list_keys(connection, account.uuid, account.key)
    return reply(keys)


@delete(
    "/api-keys/{key_id:str}",
    status_code=200,  # the reply sends 204 itself
    opt=contract(
        "API keys",
        "revoke_api_key",
        "Revoke an API key.",
        {204: None},
        scopes=(API_KEYS_MANAGE,),
        details="It is refused from now on, and its open streams end. Twice is no mistake.",
    ),
)
async def remove(request: Request[Any, Any, Any], key_id: FromPath[str]) -> ASGIApp:
    """Revoke it; everywhere by the log's tail, here at once."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = UUID(id_in_path(key_id, "API key"))
    draft = await deps.acts.draft(account.account_id, account.account_id, None)

    async def change(connection: Connection) -> Sequence[Told]:
        return await revoke(connection, account.account_id, asked, draft)

    await deps.acts.do(account.account_id, change)
    deps.authenticator.forget(account.account_id)
    return nothing()
