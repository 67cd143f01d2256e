"""Telegram Stars, as one of the ways to pay: links to invoices, and Stars that are given back.

https://core.telegram.org/bots/payments-stars. Who may pay, and what follows from it, is told by
updates (`gateway/telegram`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from commands.catalogue import Pack
from commands.wording import say
from gateway.identity.signed_in import Account
from gateway.money.payload import invoice_of, write
from gateway.money.payments import STARS, Offer, Paid, Price, RefundOutcome
from gateway.web.errors import Problem
from runtime.errors import PixelpopError
from runtime.postgres.pool import Pool, as_account
from runtime.queries import load_queries
from runtime.settings import Settings
from runtime.telegram import bot_api
from runtime.telegram.api import TelegramBot
from runtime.telegram.errors import TelegramRefused

_log = structlog.get_logger(__name__)

_QUERIES = load_queries(Path(__file__).with_name("stars.sql"))

XTR: Final = "XTR"
DAY_SECONDS: Final = 86_400
ALREADY_REFUNDED: Final = "CHARGE_ALREADY_REFUNDED"
REFUSED: Final = "Telegram does not give these Stars back. Write to /paysupport."


def charge_of(payer_id: int, charge_id: str) -> str:
    """How a payment in Stars is named in the log, sealed: a refund needs who paid, too."""
    return f"{payer_id}/{charge_id}"


class Stars:
    """One way to pay.

    Args:
        bot: makes invoices and refunds.
        pool: knows who speaks which language.
    """

    name = STARS
    in_telegram = True

    def __init__(self, bot: TelegramBot, pool: Pool) -> None:
        self._bot = bot
        self._pool = pool

    def price(self, pack: Pack) -> Price | None:
        """In Stars."""
        return Price(amount=pack.stars, currency=XTR)

    async def offer(self, account: Account, pack: Pack, offer_id: UUID) -> Offer:
        """A link to an invoice, that this account's person alone can pay.

        Args:
            account: who buys.
            pack: what; with a period it becomes a subscription.
            offer_id: the purchase's fact repeats it.

        Raises:
            Problem: Telegram makes no invoice.
            TelegramSlowDown, TelegramUnreachable: not now.
        """
        async with as_account(self._pool, account.uuid) as connection:
            language = await connection.fetchval(_QUERIES.get_language, account.uuid) or ""
        title = say(language, "payments-invoice-title", credits=pack.credits)
        about = "payments-invoice-once" if pack.period_days is None else "payments-invoice-monthly"
        method = bot_api.methods.CreateInvoiceLink(
            title=title,
            description=say(language, about, credits=pack.credits),
            payload=write(invoice_of(account.uuid, offer_id, pack), account.key),
            currency=XTR,
            prices=[bot_api.types.LabeledPrice(label=title, amount=pack.stars)],
            subscription_period=(
                None if pack.period_days is None else pack.period_days * DAY_SECONDS
            ),
        )
        try:
            return Offer(payment_url=await self._bot.call(method))
        except TelegramRefused as error:
            _log.error("telegram makes no invoice", pack=pack.id, error=error.description)
            raise Problem(
                "payment-refused", "Telegram makes no invoice for this. Nothing was bought."
            ) from error

    async def refund(self, paid: Paid) -> RefundOutcome:
        """Give the Stars back; Telegram refuses to give them twice.

        Raises:
            Problem: Telegram does not give them back.
            TelegramSlowDown, TelegramUnreachable: not now; it may be done, and may be asked again.
        """
        payer_id, _, charge_id = paid.charge_id.partition("/")
        return await self.give_back(int(payer_id), charge_id)

    async def give_back(self, payer_id: int, charge_id: str) -> RefundOutcome:
        """As `refund`, of a payment that is known by Telegram's names for payer and charge."""
        method = bot_api.methods.RefundStarPayment(
            user_id=payer_id, telegram_payment_charge_id=charge_id
        )
        try:
            await self._bot.call(method)
        except TelegramRefused as error:
            if ALREADY_REFUNDED in error.description:
                return "already_refunded"
            _log.warning("telegram refunds nothing", error=error.description)
            raise Problem("refund-refused", REFUSED) from error
        return "refunded"

    async def end_subscription_of(self, named: str) -> None:
        """As `end_subscription`, of a payment as the log names it."""
        payer_id, _, charge_id = named.partition("/")
        await self.end_subscription(int(payer_id), charge_id)

    async def end_subscription(self, payer_id: int, charge_id: str) -> None:
        """Let a subscription not be renewed; where that fails, its next payment is a finding."""
        method = bot_api.methods.EditUserStarSubscription(
            user_id=payer_id, telegram_payment_charge_id=charge_id, is_canceled=True
        )
        try:
            await self._bot.call(method)
        except PixelpopError as error:
            _log.warning("a subscription was not ended", error=str(error))


def ways_of(settings: Settings, bot: TelegramBot | None, pool: Pool) -> tuple[Stars, ...]:
    """The way to pay in Stars, if there is one: without updates nobody would learn of a payment."""
    return (Stars(bot, pool),) if bot is not None and settings.telegram_webhook_secret else ()
