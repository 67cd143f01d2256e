"""Buying credits: `POST /purchases`, `GET /purchases`.

The `local` payment provider pays for everything at once. With any other, a person is sent to where
they can pay, and nothing is in the log before they have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.types import ASGIApp
from msgspec import Meta

from commands.catalogue import PACKS_BY_ID, Pack
from commands.requests import InvalidRequest
from events.ids import SourceId, derive, fact_id
from events.purchases import CreditsPurchased
from gateway.access.permissions import CREDITS_BUY, CREDITS_READ
from gateway.api.contract import contract
from gateway.api.documents import PurchaseDocument, Purchases, at
from gateway.deps import Deps
from gateway.events_out import EVENTS, outgoing
from gateway.generations.idempotency import idempotency_key
from gateway.identity.signed_in import Account
from gateway.money.payments import LOCAL, PaymentProvider
from gateway.web.cursors import LogPosition, token_header
from gateway.web.errors import Problem
from gateway.web.http import header_in
from gateway.web.replies import body_of, deps_of, reply, signed_in
from runtime.postgres.pool import as_account
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("purchases.sql"))

XTR: Final = "XTR"
PURCHASES_SHOWN_MAX: Final = 200
RETRY_AFTER_SECONDS: Final = 1
LOCATION: Final = (b"location", b"/purchases")


class PurchaseRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to buy."""

    pack_id: Annotated[str, Meta(max_length=64, description="One of GET /packs.")]
    provider: (
        Annotated[str, Meta(max_length=32, description="`stars`, `stripe` or `local`.")] | None
    ) = None
    """Who is paid; none: what suits best here."""


_decoder = msgspec.json.Decoder(PurchaseRequest)


@post(
    "/purchases",
    status_code=201,
    opt=contract(
        "Credits",
        "buy_pack",
        "Buy a pack of credits.",
        {201: PurchaseDocument},
        body=PurchaseRequest,
        headers=("Idempotency-Key",),
        problems=(
            "idempotency-key-missing",
            "idempotency-key-invalid",
            "idempotency-key-reused",
            "payments-not-configured",
            "payment-refused",
            "telegram-slow-down",
            "telegram-unreachable",
            "append-unknown",
            "log-overloaded",
            "not-caught-up",
        ),
        scopes=(CREDITS_BUY,),
        details=(
            "Paid at once by the `local` provider, which exists in embedded mode only: repeated "
            "with the same `Idempotency-Key` it is the same purchase, nothing is paid twice, and "
            "the answer has `Idempotent-Replay: true`. With any other provider the answer is "
            "`awaiting_payment`: open its `payment_url`. Nothing is bought before it is paid; "
            "then the purchase stands in GET /purchases with the same `offer_id`, and the credits "
            "follow within a moment. In Telegram's apps only Stars are offered."
        ),
    ),
)
async def buy(request: Request[Any, Any, Any]) -> ASGIApp:
    """Append what the payment provider says; the decider grants the credits."""
    deps = deps_of(request)
    account = await signed_in(request)
    key = idempotency_key(request.scope["headers"])
    document, headers = await buy_pack(deps, account, key, await body_of(request, _decoder))
    return reply(document, 201, headers)


async def buy_pack(
    deps: Deps, account: Account, key: str, data: PurchaseRequest
) -> tuple[PurchaseDocument, list[tuple[bytes, bytes]]]:
    """A purchase that is paid already, or an offer and where to pay; and headers for the answer.

    Args:
        deps: the parts of this gateway.
        account: who buys.
        key: names the request: asked again with it, it is the same purchase or offer.
        data: what to buy, and how to pay.

    Raises:
        InvalidRequest: the pack, or the way to pay, is not offered.
        Problem: it cannot be bought (now).
        PixelpopError: it is not known whether it is bought.
    """
    pack = PACKS_BY_ID.get(data.pack_id)
    if pack is None:
        raise InvalidRequest("pack_id", "is not one of GET /packs")
    provider = deps.payments.find(deps.payments.choose(account, data.provider))
    if provider is not None:
        return await _offer(provider, account, pack, key), [LOCATION]
    purchase_id = SourceId(derive("purchase", LOCAL, account.account_id, key))
    row = await _find(deps, account, purchase_id)
    if row is not None:
        return document_of(_of_pack(row, pack)), [LOCATION, (b"idempotent-replay", b"true")]
    place = await _pay(deps, account, purchase_id, pack)
    if not await deps.consistency.passed(place):
        raise Problem(
            "not-caught-up",
            "Your purchase is safe but not readable yet. Send it again shortly with the same "
            "Idempotency-Key; it will not be bought twice.",
            retry_after=RETRY_AFTER_SECONDS,
        )
    # Two with one key may have raced: what counts is the first in the log.
    row = await _find(deps, account, purchase_id)
    if row is None:  # the fold takes nothing more of it
        raise Problem("account-erased", "This account was erased. Nothing was bought.")
    return document_of(_of_pack(row, pack)), [token_header(*place), LOCATION]


async def _offer(
    provider: PaymentProvider, account: Account, pack: Pack, key: str
) -> PurchaseDocument:
    """Where to pay; asked again with the same key it is the same offer, at an address of its own.

    Raises:
        InvalidRequest: the pack is not sold this way.
        Problem: it cannot be offered now.
    """
    price = provider.price(pack)
    if price is None:
        raise InvalidRequest("pack_id", f"is not sold by {provider.name}")
    offer_id = UUID(derive("offer", provider.name, account.account_id, key, pack.id))
    offer = await provider.offer(account, pack, offer_id)
    return PurchaseDocument(
        offer_id=str(offer_id),
        provider=provider.name,
        pack_id=pack.id,
        credits=pack.credits,
        amount=price.amount,
        currency=price.currency,
        status="awaiting_payment",
        payment_url=offer.payment_url,
        expires_at=at(offer.expires_at_ms),
    )


async def _find(deps: Deps, account: Account, purchase_id: SourceId) -> Any:
    async with as_account(deps.pool, account.uuid) as connection:
        return await connection.fetchrow(_QUERIES.get_purchase, account.uuid, UUID(purchase_id))


def _of_pack(row: Any, pack: Pack) -> Any:
    """The row, if it is of that pack; a key that bought another one is refused."""
    if row["pack_id"] != pack.id:
        raise Problem(
            "idempotency-key-reused",
            "This Idempotency-Key bought another pack. Use a new key for a new purchase.",
        )
    return row


async def _pay(deps: Deps, account: Account, purchase_id: SourceId, pack: Pack) -> LogPosition:
    now_ms = deps.clock.now_ms()
    event = CreditsPurchased(
        account_id=account.account_id,
        occurred_at_ms=now_ms,
        purchase_id=purchase_id,
        provider=LOCAL,
        pack_id=pack.id,
        credits=pack.credits,
        amount=pack.stars,
        currency=XTR,
        expires_at_ms=pack.ends_at_ms(now_ms),
    )
    # Told twice, it is the same purchase: the fold drops the second.
    position = await deps.log.append(
        EVENTS,
        outgoing(
            event, fact_id(purchase_id, "purchased"), correlation_id=purchase_id, time_ms=now_ms
        ),
    )
    return LogPosition(position.partition, position.offset)


@get(
    "/purchases",
    opt=contract(
        "Credits",
        "list_purchases",
        "The last purchases, newest first.",
        {200: Purchases},
        headers=("Consistency-Token",),
        scopes=(CREDITS_READ,),
        gives={"purchase_id": "/items/0/id"},
        details=f"At most {PURCHASES_SHOWN_MAX}. `paid` becomes `granted` with the credits.",
    ),
)
async def get_purchases(request: Request[Any, Any, Any]) -> ASGIApp:
    """The account's purchases, newest first."""
    deps = deps_of(request)
    account = await signed_in(request)
    await deps.consistency.honour(header_in(request.scope["headers"], b"consistency-token"))
    return reply(await list_of(deps, account.uuid))


async def list_of(deps: Deps, account_id: UUID) -> Purchases:
    """The last purchases of an account, newest first."""
    async with as_account(deps.pool, account_id) as connection:
        rows = await connection.fetch(_QUERIES.list_purchases, account_id, PURCHASES_SHOWN_MAX)
    return Purchases(items=tuple(document_of(row) for row in rows))


def document_of(row: Any) -> PurchaseDocument:
    """A row of `read.purchases`, as it is shown."""
    granted, refunded = row["granted_at_ms"], row["refunded_at_ms"]
    return PurchaseDocument(
        id=str(row["purchase_id"]),
        offer_id=None if row["offer_id"] is None else str(row["offer_id"]),
        provider=row["provider"],
        pack_id=row["pack_id"],
        credits=row["credits"],
        amount=row["amount"],
        currency=row["currency"],
        status="refunded" if refunded else "granted" if granted else "paid",
        purchased_at=at(row["purchased_at_ms"]),
        granted_at=at(granted),
        refunded_at=at(refunded),
    )
