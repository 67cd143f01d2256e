"""Stripe, as one of the ways to pay: pages to pay on, and money that is given back.

Never shown to Telegram's apps, which allow only Stars for digital goods
(https://telegram.org/tos/bot-developers#6-2-5).
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import structlog

from commands.catalogue import Pack
from events.stripe_payments import PROVIDER, PURPOSE, Offered, metadata_of
from gateway.identity.signed_in import Account
from gateway.money.payments import Offer, Paid, Price, RefundOutcome
from gateway.web.errors import Problem
from runtime.crypto.master import MasterKeys
from runtime.settings import Settings
from runtime.stripe.api import Stripe
from runtime.stripe.errors import StripeRefused

_log = structlog.get_logger(__name__)

CURRENCY: Final = "USD"
LOST: Final = frozenset({"failed", "canceled"})


class StripeOffers:
    """One way to pay.

    Args:
        settings: where people come back to.
        stripe: ready for calls.
        masters: sign what was offered.
    """

    name = PROVIDER
    in_telegram = False

    def __init__(self, settings: Settings, stripe: Stripe, masters: MasterKeys) -> None:
        self._home = (settings.public_url or f"http://localhost:{settings.port}").rstrip("/")
        self._stripe = stripe
        self._masters = masters

    def price(self, pack: Pack) -> Price | None:
        """In US dollars; None: it is sold for Stars only."""
        if pack.usd_cents is None or pack.period_days is not None:
            return None
        return Price(amount=pack.usd_cents, currency=CURRENCY)

    async def offer(self, account: Account, pack: Pack, offer_id: UUID) -> Offer:
        """A page of Stripe's, good for a day; asked again in that day, it is the same one.

        Raises:
            Problem: the pack is not sold this way, or Stripe will not make a page.
            StripeSlowDown, StripeUnreachable: not now.
        """
        price = self.price(pack)
        if price is None:
            raise Problem("payment-refused", "This pack is sold for Telegram Stars only.")
        offered = Offered(
            account=account.account_id,
            pack=pack.id,
            credits=pack.credits,
            amount=price.amount,
            currency=price.currency,
            offer=str(offer_id),
        )
        try:
            session = await self._stripe.open_session(self._page(pack, offered), str(offer_id))
        except StripeRefused as error:
            _log.error("stripe makes no page", reason=error.reason, error=str(error))
            raise Problem(
                "payment-refused", "No page to pay on could be made. Nothing was bought."
            ) from error
        if session.url is None:
            raise Problem(
                "payment-refused",
                "This offer was paid or has ended. Use a new Idempotency-Key for a new one.",
            )
        return Offer(payment_url=session.url, expires_at_ms=session.expires_at * 1000)

    async def refund(self, paid: Paid) -> RefundOutcome:
        """Give the money back, all of it; Stripe refuses to give it twice.

        Raises:
            Problem: it cannot be given back; the sentence says why.
            StripeSlowDown, StripeUnreachable: not now; it may be done, and may be asked again.
        """
        try:
            made = await self._stripe.refund(paid.charge_id)
        except StripeRefused as error:
            if error.reason == "charge_already_refunded":
                return "already_refunded"
            _log.warning("stripe refunds nothing", reason=error.reason, error=str(error))
            raise _refusal(error.reason) from error
        if made.status in LOST:
            raise _refusal(made.status or "")
        return "refunded" if made.status == "succeeded" else "pending"

    def _page(self, pack: Pack, offered: Offered) -> dict[str, Any]:
        """As "Create a Checkout Session" has it; the same for the same offer."""
        key = self._masters.current.subkey(PURPOSE)
        price = {
            "currency": offered.currency.lower(),
            "unit_amount": offered.amount,
            "product_data": {"name": f"{pack.name}: {pack.credits} credits"},
        }
        return {
            "mode": "payment",
            "line_items": [{"price_data": price, "quantity": 1}],
            "client_reference_id": offered.offer,
            "success_url": f"{self._home}/?paid={offered.offer}",
            "cancel_url": f"{self._home}/?not_paid={offered.offer}",
            # On the payment, not on the session: what is told of refunds names no session.
            "payment_intent_data": {"metadata": metadata_of(offered, key)},
        }


def _refusal(reason: str) -> Problem:
    if reason == "charge_disputed":
        return Problem(
            "refund-refused",
            "The customer's bank has taken this money back, or is about to. It cannot be refunded.",
        )
    return Problem("refund-refused", "Stripe did not give this money back. Look at it there.")
