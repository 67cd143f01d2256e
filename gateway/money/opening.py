"""Which ways to pay this installation has, by its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.money.payments import PaymentProvider
from gateway.money.stripe_news import StripeNews
from gateway.money.stripe_offers import StripeOffers
from gateway.money.stripe_telling import StripeTelling
from runtime.crypto.keys import AccountKeys
from runtime.crypto.master import MasterKeys
from runtime.postgres.pool import Pool
from runtime.settings import Settings
from runtime.stripe.api import Stripe, open_stripe

if TYPE_CHECKING:
    from gateway.deps import Log


class StripeDesk:
    """Everything at Stripe: nothing, where STRIPE_SECRET_KEY is not set.

    Args:
        settings: the keys.
        pool: holds what is known of purchases.
        keys: of accounts.
        masters: sign what is offered.
        log: is told of payments.

    Attributes:
        news: takes webhooks, or says that none can be taken.
        ways: the way to pay, if there is one: without a secret for webhooks nobody would learn of
            a payment, so none is offered.
    """

    def __init__(
        self, settings: Settings, pool: Pool, keys: AccountKeys, masters: MasterKeys, log: Log
    ) -> None:
        self._stripe: Stripe | None = None
        self.ways: tuple[PaymentProvider, ...] = ()
        telling = None
        if settings.stripe_secret_key:
            self._stripe = open_stripe(settings)
            telling = StripeTelling(self._stripe, pool, keys, masters, log)
            if settings.stripe_webhook_secret:
                self.ways = (StripeOffers(settings, self._stripe, masters),)
        self.news = StripeNews(settings, telling)

    async def stop(self) -> None:
        """Close the connections."""
        if self._stripe is not None:
            await self._stripe.stop()
