"""Webhook endpoints: `/webhooks`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import msgspec
from litestar import Request, delete, get, patch, post
from litestar.params import FromPath
from litestar.types import ASGIApp
from msgspec import UNSET

from events.outward import TYPES
from gateway.access.permissions import WEBHOOKS_MANAGE
from gateway.api.contract import contract
from gateway.api.documents import at
from gateway.identity.signed_in import Account
from gateway.web.errors import Problem
from gateway.web.http import id_in_path
from gateway.web.replies import body_of, deps_of, nothing, reply, signed_in
from gateway.webhooks.checks import new_secret, sealed, target_of, types_of
from gateway.webhooks.documents import (
    NewWebhookDocument,
    SecretDocument,
    WebhookChange,
    WebhookDocument,
    WebhookRequest,
    Webhooks,
)
from runtime.postgres.pool import Connection, as_account
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("endpoints.sql"))

GROUP: Final = "Webhooks"
WHAT: Final = "webhook"
SCOPES: Final = (WEBHOOKS_MANAGE,)
_new = msgspec.json.Decoder(WebhookRequest)
_change = msgspec.json.Decoder(WebhookChange)


@post(
    "/webhooks",
    status_code=201,
    opt=contract(
        GROUP,
        "create_webhook",
        "Have what happens to your account sent to a server of yours.",
        {201: NewWebhookDocument},
        body=WebhookRequest,
        problems=("too-many-webhooks", "account-erased"),
        scopes=SCOPES,
        gives={"webhook_id": "/webhook/id"},
        details=(
            "Messages are signed as [Standard Webhooks](https://www.standardwebhooks.com) says: "
            "check `webhook-signature` with the secret, and keep `webhook-id` to drop what comes "
            "twice. Answer 2xx within 15 seconds; anything else is tried again, ten times within a "
            "day. A message names what happened and holds nothing personal; read the rest at the "
            "API. The types:\n\n"
            + "\n".join(f"- `{name}`: {meaning}" for name, meaning in TYPES.items())
            + "\n\nThey come in no particular order."
        ),
    ),
)
async def create(request: Request[Any, Any, Any]) -> ASGIApp:
    """Make an endpoint; the answer holds its secret."""
    deps = deps_of(request)
    account = await signed_in(request)
    data = await body_of(request, _new)
    url = target_of(deps.settings, data.url)
    endpoint_id, secret = uuid4(), new_secret()
    try:
        async with as_account(deps.pool, account.uuid) as connection:
            await connection.execute(QUERIES.lock_account, account.uuid)
            count = await connection.fetchval(QUERIES.count_endpoints, account.uuid)
            if count >= deps.settings.webhook_endpoints_max:
                raise Problem(
                    "too-many-webhooks",
                    f"There can be {deps.settings.webhook_endpoints_max} webhooks. Remove one.",
                )
            row = await connection.fetchrow(
                QUERIES.add_endpoint,
                endpoint_id,
                account.uuid,
                url,
                data.description,
                types_of(data.event_types),
                sealed(account, endpoint_id, secret, 1),
                deps.clock.now_ms(),
            )
    except asyncpg.ForeignKeyViolationError as error:
        raise Problem("account-erased", "This account was erased. Nothing was made.") from error
    document = NewWebhookDocument(webhook=_document(row), secret=secret)
    return reply(document, 201, [(b"location", f"/webhooks/{endpoint_id}".encode())])


@get(
    "/webhooks",
    opt=contract(
        GROUP,
        "list_webhooks",
        "Your webhooks.",
        {200: Webhooks},
        scopes=SCOPES,
        gives={"webhook_id": "/items/0/id"},
        details="Oldest first, without their secrets.",
    ),
)
async def list_all(request: Request[Any, Any, Any]) -> ASGIApp:
    """All endpoints of the account."""
    deps = deps_of(request)
    account = await signed_in(request)
    async with as_account(deps.pool, account.uuid) as connection:
        rows = await connection.fetch(QUERIES.list_endpoints, account.uuid)
    return reply(Webhooks(items=tuple(_document(row) for row in rows)))


@get(
    "/webhooks/{webhook_id:str}",
    opt=contract(
        GROUP,
        "read_webhook",
        "One webhook.",
        {200: WebhookDocument},
        scopes=SCOPES,
        details="Its secret is not shown again; replace it where it is lost.",
    ),
)
async def read(request: Request[Any, Any, Any], webhook_id: FromPath[str]) -> ASGIApp:
    """One endpoint."""
    deps = deps_of(request)
    account = await signed_in(request)
    async with as_account(deps.pool, account.uuid) as connection:
        return reply(_document(await endpoint_of(connection, account, webhook_id)))


@patch(
    "/webhooks/{webhook_id:str}",
    opt=contract(
        GROUP,
        "change_webhook",
        "Change a webhook, or switch it off or on.",
        {200: WebhookDocument},
        body=WebhookChange,
        scopes=SCOPES,
        details=(
            "What happens while it is switched off is not sent later; what was waiting to be sent "
            "waits on, and goes out when it is switched on within a day."
        ),
    ),
)
async def change(request: Request[Any, Any, Any], webhook_id: FromPath[str]) -> ASGIApp:
    """Change what the body names."""
    deps = deps_of(request)
    account = await signed_in(request)
    data = await body_of(request, _change)
    url = None if data.url is UNSET else target_of(deps.settings, data.url)
    types = None if data.event_types is UNSET else types_of(data.event_types)
    async with as_account(deps.pool, account.uuid) as connection:
        row = await connection.fetchrow(
            QUERIES.change_endpoint,
            account.uuid,
            UUID(id_in_path(webhook_id, WHAT)),
            url,
            types,
            None if data.description is UNSET else data.description,
            None if data.enabled is UNSET else data.enabled,
            deps.clock.now_ms(),
        )
    if row is None:
        raise _missing()
    return reply(_document(row))


@delete(
    "/webhooks/{webhook_id:str}",
    status_code=200,  # the reply sends 204 itself
    opt=contract(
        GROUP,
        "delete_webhook",
        "Remove a webhook.",
        {204: None},
        scopes=SCOPES,
        details="With everything that was to be sent to it, and its log.",
    ),
)
async def remove(request: Request[Any, Any, Any], webhook_id: FromPath[str]) -> ASGIApp:
    """Remove an endpoint with its deliveries."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = UUID(id_in_path(webhook_id, WHAT))
    async with as_account(deps.pool, account.uuid) as connection:
        if await connection.fetchval(QUERIES.remove_endpoint, account.uuid, asked) is None:
            raise _missing()
    return nothing()


@post(
    "/webhooks/{webhook_id:str}/secret",
    status_code=200,
    opt=contract(
        GROUP,
        "rotate_webhook_secret",
        "Replace a webhook's secret.",
        {200: SecretDocument},
        scopes=SCOPES,
        details=(
            "Until `old_secret_until` messages carry two signatures, by the new and by the old "
            "secret, so nothing is missed while you put the new one in place. Rotated again within "
            "that time, the secret before the last one stops at once."
        ),
    ),
)
async def rotate(request: Request[Any, Any, Any], webhook_id: FromPath[str]) -> ASGIApp:
    """Make a new secret; the one before it signs on for a while."""
    deps = deps_of(request)
    account = await signed_in(request)
    secret = new_secret()
    async with as_account(deps.pool, account.uuid) as connection:
        row = await endpoint_of(connection, account, webhook_id, locked=True)
        until = await connection.fetchval(
            QUERIES.rotate_secret,
            account.uuid,
            row["endpoint_id"],
            sealed(account, row["endpoint_id"], secret, row["secret_number"] + 1),
            float(deps.settings.webhook_secret_overlap_seconds),
        )
    return reply(SecretDocument(secret=secret, old_secret_until=instant(until)))


async def endpoint_of(
    connection: Connection, account: Account, webhook_id: str, *, locked: bool = False
) -> Any:
    """The row of an endpoint that belongs to who asks.

    Raises:
        Problem: there is none.
    """
    asked = UUID(id_in_path(webhook_id, WHAT))
    query = QUERIES.lock_endpoint if locked else QUERIES.get_endpoint
    row = await connection.fetchrow(query, account.uuid, asked)
    if row is None:
        raise _missing()
    return row


def instant(when: datetime | None) -> str | None:
    """A time of the database as the API shows it."""
    return None if when is None else at(int(when.timestamp() * 1000))


def _missing() -> Problem:
    return Problem("not-found", f"There is no {WHAT} with this id.")


def _document(row: Any) -> WebhookDocument:
    created = instant(row["created_at"])
    assert created is not None
    return WebhookDocument(
        id=str(row["endpoint_id"]),
        url=row["url"],
        event_types=tuple(row["event_types"]),
        description=row["description"],
        enabled=row["enabled"],
        disabled_reason=row["disabled_reason"],
        created_at=created,
        old_secret_until=instant(row["old_secret_until"]),
    )
