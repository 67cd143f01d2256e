"""People who pay with Stars, and get them back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from events.ids import AccountId, derive
from gateway.money import payload
from gateway.telegram.messages import Chat, Message, RefundedPayment, SuccessfulPayment, User
from gateway.telegram.updates import Update
from projections.audit import rows
from tests.chaos.payments.gateways import Notice, key_of
from tests.chaos.payments.payers import CREDITS, LOST_CHANCE, PACK, Money, Paid


class StarPayers(Money):
    """What they do."""

    def _pay_stars(self) -> None:
        payer, account = self._somebody()
        count = self._random.choice(CREDITS)
        text = self._invoice(account, count)
        paid = Paid(
            "stars",
            f"stx-{self._name()}",
            account,
            payer,
            count,
            PACK.stars,
            text,
            self._now,
            self._random.random() >= LOST_CHANCE,
        )
        self.payments.append(paid)
        self.stars.paid(paid.name, payer, paid.amount, text, paid.at)
        if paid.is_heard:
            self._deliver(self._update(paid))
        else:
            self.planted.add((rows.MISSING_PURCHASE, paid.source))

    def _invoice(self, account: AccountId, count: int, key: bytes | None = None) -> str:
        offer = UUID(derive("offer", account, self._name()))
        invoice = payload.Invoice(UUID(account), offer, PACK.id, count, PACK.stars)
        return payload.write(invoice, key or key_of(account))

    def _refund_stars(self) -> None:
        """By us, which is told; or by the store, which is not."""
        paid = self._one("stars")
        if paid is None or not paid.is_heard:
            return
        self.stars.returned(paid.name, paid.payer, paid.amount, self._now)
        paid.is_marred = True
        if self._random.random() < LOST_CHANCE:
            self.planted.add((rows.CHARGED_BACK, paid.source))
        else:
            paid.is_kept = False
            self._deliver(self._update(paid, refund=True))

    def _update(self, paid: Paid, *, refund: bool = False, **changes: Any) -> Notice:
        told: dict[str, Any] = {
            "currency": "XTR",
            "total_amount": paid.amount,
            "invoice_payload": paid.payload,
            "telegram_payment_charge_id": paid.name,
        } | changes
        content: dict[str, Any] = (
            {"refunded_payment": RefundedPayment(**told)}
            if refund
            else {"successful_payment": SuccessfulPayment(**told)}
        )
        message = Message(
            message_id=1,
            date=paid.at,
            chat=Chat(id=paid.payer, type="private"),
            sender=User(id=paid.payer),
            **content,
        )
        return Notice(update=Update(update_id=int(self._name()), message=message))
