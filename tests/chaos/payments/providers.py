"""What Telegram and Stripe know of payments: the money itself, whatever the bot was told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
from aiogram.types import StarTransaction

from runtime.stripe.shapes import Dispute, Intent, Payment, Refund

PAGE_MAX = 100


class Stars:
    """Telegram's list of the bot's transactions, as `getStarTransactions` tells it."""

    def __init__(self) -> None:
        self.transactions: list[dict[str, Any]] = []

    def paid(self, charge_id: str, payer: int, amount: int, payload: str, at: int) -> None:
        """A person paid an invoice."""
        self._add(charge_id, amount, at, source=_user(payer, "invoice_payment", payload))

    def returned(self, charge_id: str, payer: int, amount: int, at: int) -> None:
        """Stars went back, by a refund or by the store: under the id of their payment."""
        self._add(charge_id, amount, at, receiver=_user(payer, "invoice_payment", None))

    def given(self, gift_id: str, payer: int, amount: int, at: int) -> None:
        """Stars came in for something that is not sold here."""
        self._add(gift_id, amount, at, source=_user(payer, "gift_purchase", None))

    def change(self, charge_id: str, amount: int) -> None:
        """Say another amount of a payment than was paid."""
        for one in self.transactions:
            if one["id"] == charge_id:
                one["amount"] = amount

    def repeat(self, charge_id: str) -> None:
        """List a payment twice."""
        self.transactions.append(next(o for o in self.transactions if o["id"] == charge_id))

    async def call(self, method: Any) -> Any:
        """Answer `GetStarTransactions`, page by page."""
        assert method.limit <= PAGE_MAX
        page = self.transactions[method.offset : method.offset + method.limit]
        found = [StarTransaction.model_validate(one) for one in page]
        return SimpleNamespace(transactions=found)

    def _add(self, name: str, amount: int, at: int, **partner: Any) -> None:
        self.transactions.append({"id": name, "amount": amount, "date": at, **partner})


def _user(payer: int, kind: str, payload: str | None) -> dict[str, Any]:
    person = {"id": payer, "is_bot": False, "first_name": "Anna"}
    return {
        "type": "user",
        "transaction_type": kind,
        "user": person,
        **({} if payload is None else {"invoice_payload": payload}),
    }


class Till:
    """Stripe: payments with what took their money back, as they are now."""

    def __init__(self) -> None:
        self.payments: dict[str, Payment] = {}

    def paid(self, intent_id: str, amount: int, metadata: dict[str, str], at: int) -> None:
        """Somebody paid."""
        intent = Intent(
            id=intent_id,
            amount=amount,
            amount_received=amount,
            currency="usd",
            status="succeeded",
            created=at,
            metadata=metadata,
        )
        self.payments[intent_id] = Payment(intent=intent)

    def refund(self, intent_id: str, refund: Refund) -> None:
        """Money is on its way back, or what was is not any more."""
        payment = self.payments[intent_id]
        others = tuple(one for one in payment.refunds if one.id != refund.id)
        self.payments[intent_id] = msgspec.structs.replace(payment, refunds=(*others, refund))

    def dispute(self, intent_id: str, dispute: Dispute) -> None:
        """A bank takes money back, or gives it again."""
        payment = self.payments[intent_id]
        others = tuple(one for one in payment.disputes if one.id != dispute.id)
        self.payments[intent_id] = msgspec.structs.replace(payment, disputes=(*others, dispute))

    async def refunds(self, _since: int) -> Any:
        """All refunds."""
        for payment in self.payments.values():
            for one in payment.refunds:
                yield msgspec.structs.replace(one, payment_intent=payment.intent.id)

    async def disputes(self, _since: int) -> Any:
        """All disputes."""
        for payment in self.payments.values():
            for one in payment.disputes:
                yield msgspec.structs.replace(one, payment_intent=payment.intent.id)

    async def intents(self, _since: int) -> Any:
        """All payments."""
        for payment in self.payments.values():
            yield payment.intent
