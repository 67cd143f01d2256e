"""Giving credits away: `POST /gifts`, `GET /gifts`, `POST /gifts/{id}/take-back`.

The offer is a fact; the decider lets the credits leave, or says why not. Until somebody receives
them they are between people, and come back with the end that they had.
"""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from events.gifts import GiftOffered
from events.ids import AccountId, derive, fact_id
from gateway.access.acts import Told
from gateway.api.contract import contract
from gateway.api.documents import at
from gateway.deps import Deps
from gateway.generations.idempotency import idempotency_key
from gateway.grants.documents import GiftDocument, GiftRequest, GiftsDocument
from gateway.grants.gifts_told import QUERIES, Gifts
from gateway.identity.signed_in import Account
from gateway.web.cursors import token_header
from gateway.web.errors import Problem, field_problem
from gateway.web.http import id_in_path
from gateway.web.replies import body_of, deps_of, reply, signed_in
from runtime.crypto.keys import mac
from runtime.postgres.pool import Connection, as_account

GROUP: Final = "Grants"
PREFIX: Final = "gift_"
"""What the start parameter of a gift's link begins with; its code follows."""
CODE_BYTES: Final = 16
SHOWN_MAX: Final = 200
DECISION_SECONDS: Final = 3.0
"""How long an answer waits for the decision."""
LOOK_SECONDS: Final = 0.05
_decoder = msgspec.json.Decoder(GiftRequest)


@post(
    "/gifts",
    status_code=201,
    opt=contract(
        GROUP,
        "give_credits",
        "Give credits away.",
        {201: GiftDocument},
        body=GiftRequest,
        headers=("Idempotency-Key",),
        problems=(
            "idempotency-key-missing",
            "idempotency-key-invalid",
            "idempotency-key-reused",
            "insufficient-credits",
            "too-many-gifts",
            "account-erased",
        ),
        gives={"gift_id": "/id"},
        details=(
            "Only credits that were bought can be given away. They leave at once; whoever has the "
            "link (`start_parameter`) first receives them with POST /gifts/claim, with the end "
            "that they had. What nobody receives comes back. Repeated with the same "
            "`Idempotency-Key` it is the same gift."
        ),
    ),
)
async def give(request: Request[Any, Any, Any]) -> ASGIApp:
    """Offer it, and wait, not for long, for the decision."""
    deps = deps_of(request)
    account = await signed_in(request)
    key = idempotency_key(request.scope["headers"])
    data = await body_of(request, _decoder)
    if data.credits > deps.settings.gift_credits_max:
        raise field_problem("credits", f"must be at most {deps.settings.gift_credits_max}")
    gift_id = UUID(derive("gift", account.account_id, key))
    added = False

    async def change(connection: Connection) -> Sequence[Told]:
        nonlocal added
        added = await _add(connection, deps, account, gift_id, data.credits)
        return [_offered(account.account_id, gift_id, data.credits, deps)] if added else []

    position = await deps.acts.do(account.account_id, change)
    row = await _decided(deps, account, gift_id)
    if row["credits"] != data.credits:
        raise Problem(
            "idempotency-key-reused",
            "This Idempotency-Key gave another amount. Use a new key for a new gift.",
        )
    if row["decided"] == "GiftRefused":
        raise Problem(
            "insufficient-credits",
            "You do not have so many credits that were bought, and only those can be given away. "
            "Nothing was given.",
        )
    headers = [] if position is None else [token_header(position.partition, position.offset)]
    if not added:
        headers.append((b"idempotent-replay", b"true"))
    return reply(_document(account, row), 201, headers)


async def _add(
    connection: Connection, deps: Deps, account: Account, gift_id: UUID, credits_given: int
) -> bool:
    """Keep the offer; False: it is there already."""
    if await connection.fetchval(QUERIES.lock_account, account.uuid) is None:
        raise Problem("account-erased", "This account was erased. Nothing was given.")
    if await connection.fetchrow(QUERIES.get_gift, account.uuid, gift_id) is not None:
        return False
    most = deps.settings.gifts_open_max
    if await connection.fetchval(QUERIES.count_open, account.uuid) >= most:
        raise Problem(
            "too-many-gifts", f"There can be {most} gifts at once that nobody has received yet."
        )
    await connection.fetchval(
        QUERIES.add,
        gift_id,
        account.uuid,
        code_hash(code_of(account, gift_id)),
        credits_given,
        deps.settings.gift_days,
    )
    return True


def _offered(account_id: AccountId, gift_id: UUID, credits_given: int, deps: Deps) -> Told:
    event = GiftOffered(
        account_id=account_id,
        occurred_at_ms=deps.clock.now_ms(),
        gift_id=str(gift_id),
        credits=credits_given,
    )
    return Told(fact_id(str(gift_id), "offered"), event)


async def _decided(deps: Deps, account: Account, gift_id: UUID) -> Any:
    """The gift, once it is decided or the wait is over."""
    loop = asyncio.get_running_loop()
    until = loop.time() + DECISION_SECONDS
    while True:
        async with as_account(deps.pool, account.uuid) as connection:
            row = await connection.fetchrow(QUERIES.get_gift, account.uuid, gift_id)
        if row is None:
            raise Problem("not-found", "There is no gift with this id.")
        if row["decided"] is not None or loop.time() > until:
            return row
        await asyncio.sleep(LOOK_SECONDS)


@get(
    "/gifts",
    opt=contract(
        GROUP,
        "list_gifts",
        "The gifts that you made, newest first.",
        {200: GiftsDocument},
        gives={"gift_id": "/items/0/id"},
        details=f"At most {SHOWN_MAX}. Who received one is not said.",
    ),
)
async def list_gifts(request: Request[Any, Any, Any]) -> ASGIApp:
    """The account's gifts."""
    deps = deps_of(request)
    account = await signed_in(request)
    async with as_account(deps.pool, account.uuid) as connection:
        rows = await connection.fetch(QUERIES.list_gifts, account.uuid, SHOWN_MAX)
    return reply(GiftsDocument(items=tuple(_document(account, row) for row in rows)))


@post(
    "/gifts/{gift_id:str}/take-back",
    status_code=200,
    opt=contract(
        GROUP,
        "take_gift_back",
        "Take a gift back that nobody has received.",
        {200: GiftDocument},
        problems=("gift-taken",),
        details="Its credits come back within a moment. Back already, nothing happens.",
    ),
)
async def take_back(request: Request[Any, Any, Any], gift_id: FromPath[str]) -> ASGIApp:
    """End it, unless somebody was sooner, and tell the log."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = UUID(id_in_path(gift_id, "gift"))
    async with as_account(deps.pool, account.uuid) as connection:
        ended = await connection.fetchval(QUERIES.take_back, account.uuid, asked)
        row = await connection.fetchrow(QUERIES.get_gift, account.uuid, asked)
    if row is None:
        raise Problem("not-found", "There is no gift with this id.")
    if row["state"] == "claimed":
        raise Problem("gift-taken", "Somebody has received this gift already.")
    if ended is not None:
        told = {**dict(row), "giver": account.uuid, "receiver": None, "parts": None}
        await Gifts(deps.pool, deps.log).tell(told)
    return reply(_document(account, row))


def code_of(account: Account, gift_id: UUID) -> str:
    """The code in a gift's link: made of the giver's key, so it stands nowhere."""
    made = mac(account.key, gift_id.bytes, purpose="gift")[:CODE_BYTES]
    return urlsafe_b64encode(made).rstrip(b"=").decode()


def code_hash(code: str) -> bytes:
    """What a gift is found by."""
    return sha256(code.encode()).digest()


def _document(account: Account, row: Any) -> GiftDocument:
    status = _status(row)
    shown = status in {"pending", "open"}
    return GiftDocument(
        id=str(row["gift_id"]),
        status=status,
        credits=row["credits"],
        start_parameter=PREFIX + code_of(account, row["gift_id"]) if shown else None,
        offered_at=at(row["offered_at_ms"]),
        expires_at=at(row["expires_at_ms"]),
        ended_at=at(row["ended_at_ms"]),
    )


def _status(row: Any) -> str:
    if row["decided"] == "GiftRefused":
        return "refused"
    if row["state"] == "claimed":
        return "received"
    if row["state"] == "open":
        return "pending" if row["decided"] is None else "open"
    return "returned" if row["decided"] == "GiftReturned" else "returning"
