"""What was sent to a webhook, and how it went: `/webhooks/{id}/deliveries`; sending it again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from events.ids import UuidText
from events.outward import TEST, encode_message, trial_message
from gateway.api.contract import contract
from gateway.web.cursors import decode_cursor, encode_cursor
from gateway.web.errors import Problem
from gateway.web.http import id_in_path
from gateway.web.paging import next_link
from gateway.web.replies import deps_of, query_of, reply, signed_in
from gateway.webhooks.documents import (
    AttemptDocument,
    Deliveries,
    DeliveriesQuery,
    DeliveryDetails,
    DeliveryDocument,
    SentAgain,
)
from gateway.webhooks.endpoints import GROUP, QUERIES, SCOPES, endpoint_of, instant
from runtime.postgres.pool import as_account

WHAT: Final = "delivery"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended: exactly as the database has it."""

    created_us: Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999_999)]
    delivery_id: UuidText


_place = msgspec.json.Decoder(_Place)


@get(
    "/webhooks/{webhook_id:str}/deliveries",
    opt=contract(
        GROUP,
        "list_deliveries",
        "What was sent to a webhook, newest first.",
        {200: Deliveries},
        query=DeliveriesQuery,
        problems=("cursor-invalid",),
        scopes=SCOPES,
        gives={"delivery_id": "/items/0/id"},
        details="Kept for 30 days. Follow `next_cursor` (or the `Link` header) for older ones.",
    ),
)
async def list_all(request: Request[Any, Any, Any], webhook_id: FromPath[str]) -> ASGIApp:
    """One page of an endpoint's deliveries."""
    deps = deps_of(request)
    account = await signed_in(request)
    query = query_of(request, DeliveriesQuery)
    before = None if query.cursor is None else decode_cursor(query.cursor, _place)
    async with as_account(deps.pool, account.uuid) as connection:
        endpoint = await endpoint_of(connection, account, webhook_id)
        rows = await connection.fetch(
            QUERIES.list_deliveries,
            account.uuid,
            endpoint["endpoint_id"],
            query.status,
            None if before is None else _EPOCH + timedelta(microseconds=before.created_us),
            None if before is None else UUID(before.delivery_id),
            query.limit + 1,
        )
    shown = rows[: query.limit]
    more = encode_cursor(_place_of(shown[-1])) if len(rows) > query.limit else None
    page = Deliveries(items=tuple(_document(row) for row in shown), next_cursor=more)
    return reply(page, headers=next_link(request, more))


@get(
    "/webhooks/{webhook_id:str}/deliveries/{delivery_id:str}",
    opt=contract(
        GROUP,
        "read_delivery",
        "One delivery, with its body and all attempts.",
        {200: DeliveryDetails},
        scopes=SCOPES,
        details="Of the answers only their status is kept.",
    ),
)
async def read(
    request: Request[Any, Any, Any], webhook_id: FromPath[str], delivery_id: FromPath[str]
) -> ASGIApp:
    """A delivery with its attempts."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = UUID(id_in_path(delivery_id, WHAT))
    async with as_account(deps.pool, account.uuid) as connection:
        endpoint = await endpoint_of(connection, account, webhook_id)
        values = account.uuid, endpoint["endpoint_id"], asked
        row = await connection.fetchrow(QUERIES.get_delivery, *values)
        if row is None:
            raise _missing()
        attempts = await connection.fetch(QUERIES.list_attempts, account.uuid, asked)
    return reply(
        DeliveryDetails(
            delivery=_document(row),
            payload=msgspec.json.decode(row["payload"]),
            attempts=tuple(_attempt(one) for one in attempts),
        )
    )


@post(
    "/webhooks/{webhook_id:str}/deliveries/{delivery_id:str}/replay",
    status_code=202,
    opt=contract(
        GROUP,
        "replay_delivery",
        "Send a delivery again.",
        {202: DeliveryDocument},
        scopes=SCOPES,
        details=(
            "With the same `webhook-id` and the same body, whatever became of it before, and with "
            "a new day of attempts."
        ),
    ),
)
async def replay(
    request: Request[Any, Any, Any], webhook_id: FromPath[str], delivery_id: FromPath[str]
) -> ASGIApp:
    """Make a delivery due now."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = UUID(id_in_path(delivery_id, WHAT))
    async with as_account(deps.pool, account.uuid) as connection:
        endpoint = await endpoint_of(connection, account, webhook_id)
        values = account.uuid, endpoint["endpoint_id"], asked
        row = await connection.fetchrow(QUERIES.send_again, *values)
    if row is None:
        raise _missing()
    return reply(_document(row), 202)


@post(
    "/webhooks/{webhook_id:str}/replay",
    status_code=202,
    opt=contract(
        GROUP,
        "replay_failed_deliveries",
        "Send everything again that failed.",
        {202: SentAgain},
        scopes=SCOPES,
        details="For a server that was away for more than a day, once it is back.",
    ),
)
async def replay_failed(request: Request[Any, Any, Any], webhook_id: FromPath[str]) -> ASGIApp:
    """Make all failed deliveries of an endpoint due now."""
    deps = deps_of(request)
    account = await signed_in(request)
    async with as_account(deps.pool, account.uuid) as connection:
        endpoint = await endpoint_of(connection, account, webhook_id)
        values = account.uuid, endpoint["endpoint_id"]
        rows = await connection.fetch(QUERIES.send_failed_again, *values)
    return reply(SentAgain(deliveries=len(rows)), 202)


@post(
    "/webhooks/{webhook_id:str}/test",
    status_code=202,
    opt=contract(
        GROUP,
        "test_webhook",
        "Send a test message to a webhook.",
        {202: DeliveryDocument},
        scopes=SCOPES,
        gives={"delivery_id": "/id"},
        details=f"Its type is `{TEST}`; it is signed, tried again and logged like any other.",
    ),
)
async def test(request: Request[Any, Any, Any], webhook_id: FromPath[str]) -> ASGIApp:
    """Put a test message down to be sent."""
    deps = deps_of(request)
    account = await signed_in(request)
    delivery_id = uuid4()
    payload = encode_message(trial_message(deps.clock.now_ms()))
    async with as_account(deps.pool, account.uuid) as connection:
        endpoint = await endpoint_of(connection, account, webhook_id)
        values = delivery_id, endpoint["endpoint_id"], account.uuid, delivery_id, TEST, payload
        await connection.execute(QUERIES.add_delivery, *values)
        row = await connection.fetchrow(
            QUERIES.get_delivery, account.uuid, endpoint["endpoint_id"], delivery_id
        )
    return reply(_document(row), 202)


def _missing() -> Problem:
    return Problem("not-found", f"There is no {WHAT} with this id.")


def _place_of(row: Any) -> _Place:
    passed = row["created_at"] - _EPOCH
    return _Place(passed // timedelta(microseconds=1), str(row["delivery_id"]))


def _document(row: Any) -> DeliveryDocument:
    created = instant(row["created_at"])
    assert created is not None
    waits = row["state"] == "pending" and not row["under_way"]
    return DeliveryDocument(
        id=str(row["delivery_id"]),
        event_type=row["event_type"],
        status=row["state"],
        attempts=row["attempts"],
        next_attempt_at=instant(row["due_at"]) if waits else None,
        created_at=created,
        ended_at=instant(row["ended_at"]),
    )


def _attempt(row: Any) -> AttemptDocument:
    started = instant(row["started_at"])
    assert started is not None
    return AttemptDocument(
        attempt=row["attempt"],
        started_at=started,
        ended_at=instant(row["ended_at"]),
        outcome=row["outcome"],
        status=row["status"],
    )
