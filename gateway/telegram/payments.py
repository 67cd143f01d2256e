"""`successful_payment` and `refunded_payment`: Stars that came in, and Stars that went back.

A payment is taken if we made its invoice and its amount is the invoice's, for the account that the
invoice was made for, whatever became of prices, of packs, or of a ban since. Anything else changes
nothing and is a finding. Each payment is taken once (`gateway.money.told`), in whatever order and
however often it is told; a refund that comes before its payment waits for it in the log.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

import structlog
from msgspec import UnsetType

from commands.catalogue import PACKS_BY_ID
from events.base import Sealed
from events.codec import Event
from events.ids import AccountId, EventId, SourceId, derive, fact_id
from events.purchases import (
    UNKNOWN_ACCOUNT,
    CreditsPurchased,
    PaymentFinding,
    PurchaseRefunded,
)
from gateway.events_out import EVENTS, outgoing
from gateway.money import payload
from gateway.money.payments import STARS
from gateway.money.stars import XTR, Stars, charge_of
from gateway.money.told import Payment, Taken
from gateway.operations import metrics
from gateway.telegram.hands import Hands
from gateway.telegram.messages import Message, RefundedPayment, SuccessfulPayment
from gateway.telegram.updates import Update
from gateway.web.errors import Problem
from runtime.crypto.keys import KeyDestroyed
from runtime.crypto.sealing import seal

if TYPE_CHECKING:
    from gateway.deps import Deps

_log = structlog.get_logger(__name__)

AMOUNT_MISMATCH: Final = "amount-mismatch"
"""Paid in another currency, or not what the invoice said."""
NOT_OFFERED: Final = "not-offered"
"""The payload is none that we made."""
CONTRADICTION: Final = "contradiction"
"""A payment of this id was told before, otherwise."""
PAID_AFTER_ERASURE: Final = "paid-after-erasure"
"""The account is erased; the Stars were given back."""
REFUND_UNKNOWN: Final = "refund-unknown"
"""A refund of a payment that nobody told of, and whose payload is none that we made."""


_FIT = re.compile(r"[^A-Za-z0-9]")


def purchase_id_of(charge_id: str) -> SourceId:
    """The purchase of a payment in Stars, by Telegram's `telegram_payment_charge_id`."""
    return SourceId(derive("purchase", STARS, charge_id))


async def told(hands: Hands, update: Update) -> bool | None:
    """Take what a message tells of a payment; None: it tells of none.

    Raises:
        PixelpopError: it is not known to be kept.
    """
    message = update.message
    if isinstance(message, UnsetType):
        return None
    if not isinstance(message.successful_payment, UnsetType):
        return await _paid(_Case(hands.deps, message, message.successful_payment))
    if not isinstance(message.refunded_payment, UnsetType):
        return await _refunded(_Case(hands.deps, message, message.refunded_payment))
    return None


async def _paid(case: _Case) -> bool:
    invoice, key, kind = await case.judge()
    if kind is not None:
        return await case.find(kind, invoice)
    assert invoice is not None
    payment = Payment(
        UUID(case.purchase_id),
        STARS,
        invoice.account_id,
        invoice.pack_id,
        invoice.credits,
        invoice.stars,
        XTR,
    )
    taken = await case.deps.payments_told.take(payment)
    if not taken.is_of(payment):
        return await case.find(CONTRADICTION, invoice)
    if taken.is_appended:
        return False
    await case.append(case.purchased(invoice, key), "purchased")
    await case.deps.payments_told.note(taken.purchase_id)
    return True


async def _refunded(case: _Case) -> bool:
    taken = await case.deps.payments_told.find(UUID(case.purchase_id))
    if taken is None:
        invoice, _, kind = await case.judge()
        if kind == PAID_AFTER_ERASURE:
            return False  # where it belongs: nobody is left to take credits from
        if kind is not None or invoice is None:
            return await case.find(REFUND_UNKNOWN, invoice)
        account_id = AccountId(str(invoice.account_id))
    elif not case.is_of(taken):
        return await case.find(CONTRADICTION, taken)
    elif taken.is_refund_appended:
        return False
    else:
        account_id = AccountId(str(taken.account_id))
    await case.append(refund_of(account_id, case.purchase_id, case.at_ms), "refunded")
    if taken is not None:
        await case.deps.payments_told.note(taken.purchase_id, refund=True)
    return True


def refund_of(account_id: AccountId, purchase_id: SourceId, at_ms: int) -> PurchaseRefunded:
    """The fact that Stars went back; the same whoever tells it."""
    return PurchaseRefunded(
        account_id=account_id,
        occurred_at_ms=at_ms,
        purchase_id=purchase_id,
        refund_id=derive("refund", STARS, purchase_id),
        reason="refund",
    )


class _Judged(NamedTuple):
    invoice: payload.Invoice | None
    key: bytes
    """Of the invoice's account."""
    finding: str | None
    """What is not right; None: nothing."""


class _Expected(NamedTuple):
    amount: int
    currency: str


class _Case:
    """One payment, or refund, as it is told."""

    def __init__(
        self,
        deps: Deps,
        message: Message,
        told: SuccessfulPayment | RefundedPayment,
    ) -> None:
        self.deps = deps
        self.purchase_id = purchase_id_of(told.telegram_payment_charge_id)
        self.at_ms = message.date * 1000
        self._message = message
        self._told = told

    @property
    def _payer_id(self) -> int:
        """Who paid: payments are told in the private chat with that person."""
        sender = self._message.sender
        return self._message.chat.id if isinstance(sender, UnsetType) else sender.id

    def is_of(self, taken: Taken) -> bool:
        """Whether its amount is that of a payment that was told."""
        return (self._told.currency, self._told.total_amount) == (taken.currency, taken.amount)

    async def judge(self) -> _Judged:
        """The invoice that it is the payment, or refund, of; or what is not right about it."""
        carried = payload.read(self._told.invoice_payload)
        if carried is None:
            return _Judged(None, b"", NOT_OFFERED)
        invoice = carried.invoice
        try:
            key = await self.deps.keys.get(invoice.account_id)
        except KeyDestroyed:
            return _Judged(None, b"", PAID_AFTER_ERASURE)
        if not carried.is_ours(key):
            return _Judged(None, b"", NOT_OFFERED)
        if (self._told.currency, self._told.total_amount) != (XTR, invoice.stars):
            return _Judged(invoice, key, AMOUNT_MISMATCH)
        return _Judged(invoice, key, None)

    def purchased(self, invoice: payload.Invoice, key: bytes) -> CreditsPurchased:
        """The fact of the payment."""
        charge = charge_of(self._payer_id, self._told.telegram_payment_charge_id)
        return CreditsPurchased(
            account_id=AccountId(str(invoice.account_id)),
            occurred_at_ms=self.at_ms,
            purchase_id=self.purchase_id,
            provider=STARS,
            pack_id=invoice.pack_id,
            credits=invoice.credits,
            amount=invoice.stars,
            currency=XTR,
            expires_at_ms=self._ends_at_ms(invoice.pack_id),
            charge_id=Sealed(
                seal(
                    key,
                    charge,
                    account_id=invoice.account_id,
                    event_id=UUID(fact_id(self.purchase_id, "purchased")),
                    field="charge_id",
                )
            ),
            offer_id=str(invoice.offer_id),
        )

    def _ends_at_ms(self, pack_id: str) -> int | None:
        """When the credits end: with the period of a subscription, else never."""
        assert isinstance(self._told, SuccessfulPayment)
        if self._told.subscription_expiration_date > 0:
            return self._told.subscription_expiration_date * 1000
        pack = PACKS_BY_ID.get(pack_id)
        return None if pack is None else pack.ends_at_ms(self.at_ms)

    async def append(self, event: Event, step: str) -> None:
        """Tell the log; the same id however often it is told."""
        await self._append(event, fact_id(self.purchase_id, step))

    async def _append(self, event: Event, event_id: EventId) -> None:
        await self.deps.log.append(
            EVENTS,
            outgoing(event, event_id, correlation_id=self.purchase_id, time_ms=self.at_ms),
        )

    async def find(self, kind: str, expected: payload.Invoice | Taken | None = None) -> bool:
        """Keep that something is not as it must be; nothing else follows from it."""
        if kind == PAID_AFTER_ERASURE:
            await self._return_stars()
        account_id = await self._whose()
        price = None if expected is None else _price_of(expected)
        event = PaymentFinding(
            account_id=account_id,
            occurred_at_ms=self.at_ms,
            provider=STARS,
            kind=kind,
            purchase_id=self.purchase_id,
            amount=max(0, min(self._told.total_amount, 2**63 - 1)),
            currency=_FIT.sub("?", self._told.currency[:8]),
            expected_amount=None if price is None else price.amount,
            expected_currency=None if price is None else price.currency,
        )
        metrics.PAYMENT_FINDINGS.labels(STARS, kind).inc()
        _log.warning(
            "a payment is not as it must be",
            kind=kind,
            account_id=account_id,
            purchase_id=self.purchase_id,
        )
        await self._append(event, fact_id(self.purchase_id, f"finding:{kind}"))
        return True

    async def _whose(self) -> AccountId:
        """The account that a finding stands with: the payer's, where there is one."""
        if not 0 < self._payer_id < 2**63:
            return UNKNOWN_ACCOUNT
        found = await self.deps.telegram.hands.account_of(self._payer_id)
        return found or UNKNOWN_ACCOUNT

    async def _return_stars(self) -> None:
        """Give Stars back that were paid for an account that is no more.

        A subscription would be renewed until somebody ends it.
        """
        provider = self.deps.payments.find(STARS)
        told = self._told
        if not isinstance(provider, Stars) or not isinstance(told, SuccessfulPayment):
            return
        try:
            await provider.give_back(self._payer_id, told.telegram_payment_charge_id)
        except Problem as error:
            _log.error("stars of an erased account were not returned", error=str(error))
        if told.is_recurring:
            await provider.end_subscription(self._payer_id, told.telegram_payment_charge_id)


def _price_of(expected: payload.Invoice | Taken) -> _Expected:
    if isinstance(expected, payload.Invoice):
        return _Expected(expected.stars, XTR)
    return _Expected(expected.amount, expected.currency)
