"""Telegram Stars: invoices, pre-checkout, charges, refunds, the list of transactions.

Sources: "Payments" of the reference; issue 690 of tdlib/telegram-bot-api for the words of a second
refund. In the reference a charge's id, `SuccessfulPayment.telegram_payment_charge_id`, is the id of
its transaction, and a refund's transaction has the id of what it refunds.
"""

from __future__ import annotations

import secrets
from typing import Any

from tests.fakes.telegram import messages as _messages
from tests.fakes.telegram.arguments import Arguments, bad
from tests.fakes.telegram.messages import Messages
from tests.fakes.telegram.state import Charge, Invoice, World
from tests.fakes.telegram.updates import Updates

PERIOD_SECONDS = 2_592_000
"""createInvoiceLink: "Currently, it must always be 2592000 (30 days) if specified"."""
PAYLOAD_BYTES_MAX = 128
TITLE_MAX = 32
DESCRIPTION_MAX = 255
PAGE_MAX = 100


class Payments:
    """The methods; each takes the call and returns the `result`."""

    def __init__(self, world: World, messages: Messages, updates: Updates) -> None:
        self._world = world
        self._messages = messages
        self._updates = updates

    def create_invoice_link(self, call: Arguments) -> str:
        invoice = self._invoice(call)
        link = f"https://t.me/${secrets.token_urlsafe(16)}"
        self._world.invoices[link] = invoice
        return link

    def send_invoice(self, call: Arguments) -> dict[str, Any]:
        chat, common = self._messages.sender(call, is_invoice=True)
        invoice = self._invoice(call)
        if common["reply_markup"] is None:
            label = {"text": f"Pay ⭐️{invoice.amount}", "pay": True}
            common["reply_markup"] = {"inline_keyboard": [[label]]}
        shown = {
            "title": invoice.title,
            "description": call.text("description"),
            "start_parameter": call.text("start_parameter"),
            "currency": "XTR",
            "total_amount": invoice.amount,
        }
        message = self._messages.sent(chat, invoice=shown, **common)
        self._world.invoices[f"{chat.id}/{message['message_id']}"] = invoice
        return message

    def _invoice(self, call: Arguments) -> Invoice:
        """What is offered, if these are Stars and nothing else.

        Raises:
            Refused: another currency, a provider token, not one price, or out of bounds.
        """
        title, payload = call.text("title"), call.text("payload")
        if not 1 <= len(title) <= TITLE_MAX:
            raise bad("INVOICE_TITLE_INVALID" if title else 'parameter "title" is required')
        if not 1 <= len(call.text("description")) <= DESCRIPTION_MAX:
            raise bad("INVOICE_DESCRIPTION_INVALID")
        if not 1 <= len(payload.encode()) <= PAYLOAD_BYTES_MAX:
            raise bad("INVOICE_PAYLOAD_INVALID")
        if call.text("currency") != "XTR":
            # Other currencies are real, but need a provider; the project has none.
            raise bad("CURRENCY_INVALID")
        if call.text("provider_token"):
            raise bad("STARS_INVOICE_INVALID")
        period = call.number("subscription_period")
        if "subscription_period" in call and period != PERIOD_SECONDS:
            raise bad("SUBSCRIPTION_PERIOD_INVALID")
        if "max_tip_amount" in call or "suggested_tip_amounts" in call:
            raise bad("STARS_INVOICE_INVALID")
        return Invoice(payload, self._price(call), period, title)

    def _price(self, call: Arguments) -> int:
        prices = call.structure("prices", list, "prices")
        if not prices:
            raise bad("there must be at least one price")
        if len(prices) != 1:
            raise bad("STARS_INVOICE_INVALID")
        price = prices[0]
        if not isinstance(price, dict) or not price.get("label"):
            raise bad("can't parse labeled price: LabeledPrice label must be non-empty")
        amount = price.get("amount")
        # A JSON number in quotes is taken, as everywhere in the API; a fraction is not.
        whole = isinstance(amount, int) or (isinstance(amount, str) and amount.isdigit())
        if isinstance(amount, bool) or not whole:
            raise bad('can\'t parse labeled price: Field "amount" must be of type Number')
        if not 1 <= int(amount) <= self._world.rules.stars_max:
            raise bad("CURRENCY_TOTAL_AMOUNT_INVALID")
        return int(amount)

    def answer_pre_checkout_query(self, call: Arguments) -> bool:
        query = self._world.waiting(
            call.text("pre_checkout_query_id"),
            self._world.rules.pre_checkout_seconds,
            once=True,
        )
        if "ok" not in call:
            raise bad('parameter "ok" is required')
        ok, reason = call.flag("ok"), call.text("error_message")
        if not ok and not reason:
            raise bad('parameter "error_message" is required')
        query.answer = {"ok": ok, "error_message": reason}
        return True

    def charge(self, user_id: int, invoice: Invoice, *, renews: bool = False) -> Charge:
        """Take the Stars, and tell the bot by a `successful_payment`."""
        world = self._world
        charge = Charge("stx" + secrets.token_urlsafe(32), user_id, invoice, world.now())
        charge.is_first = not renews
        if invoice.subscription_period:
            charge.expires_at = charge.paid_at + invoice.subscription_period
        world.charges[charge.id] = charge
        self._row(charge, "source", self._partner(charge))
        paid: dict[str, Any] = {
            "currency": "XTR",
            "total_amount": invoice.amount,
            "invoice_payload": invoice.payload,
            "telegram_payment_charge_id": charge.id,
            "provider_payment_charge_id": f"{user_id}_{world.next_id()}",
        }
        if invoice.subscription_period:
            first = {"is_first_recurring": True} if charge.is_first else {}
            until = {"subscription_expiration_date": charge.expires_at}
            paid |= {"is_recurring": True} | first | until
        self._tell(charge, successful_payment=paid)
        return charge

    def refund_star_payment(self, call: Arguments) -> bool:
        charge = self._found(call)
        if charge.is_refunded or charge.is_charged_back:
            raise bad("CHARGE_ALREADY_REFUNDED")
        charge.is_refunded = True
        self._row(charge, "receiver", self._partner(charge))
        refunded = {
            "currency": "XTR",
            "total_amount": charge.invoice.amount,
            "invoice_payload": charge.invoice.payload,
            "telegram_payment_charge_id": charge.id,
        }
        self._tell(charge, refunded_payment=refunded)
        return True

    def charge_back(self, charge: Charge) -> None:
        """A store took the Stars back: no update says so, only a transaction (StarTransaction)."""
        assert not charge.is_charged_back, "once is enough"
        charge.is_charged_back = True
        kind = self._world.rules.chargeback_partner
        partner = self._partner(charge) if kind == "user" else {"type": kind}
        self._row(charge, "receiver", partner)

    def edit_user_star_subscription(self, call: Arguments) -> bool:
        charge = self._found(call)
        if not charge.invoice.subscription_period or self._world.now() >= charge.expires_at:
            raise bad("SUBSCRIPTION_NOT_ACTIVE")
        if "is_canceled" not in call:
            raise bad('parameter "is_canceled" is required')
        charge.is_canceled = call.flag("is_canceled")
        return True

    def get_star_transactions(self, call: Arguments) -> dict[str, Any]:
        offset, limit = call.number("offset"), call.number("limit", PAGE_MAX)
        if offset < 0 or not 1 <= limit <= PAGE_MAX:
            raise bad("LIMIT_INVALID" if offset >= 0 else "OFFSET_INVALID")
        return {"transactions": self._world.transactions[offset : offset + limit]}

    def _found(self, call: Arguments) -> Charge:
        user_id = call.number("user_id")
        if user_id not in self._world.people:
            raise bad("invalid user_id specified")
        charge = self._world.charges.get(call.text("telegram_payment_charge_id"))
        if charge is None or charge.user_id != user_id:
            raise bad("CHARGE_ID_INVALID")
        return charge

    def _partner(self, charge: Charge) -> dict[str, Any]:
        partner = {
            "type": "user",
            "transaction_type": "invoice_payment",
            "user": self._world.people[charge.user_id],
            "invoice_payload": charge.invoice.payload,
        }
        if charge.invoice.subscription_period:
            partner["subscription_period"] = charge.invoice.subscription_period
        return partner

    def _row(self, charge: Charge, direction: str, partner: dict[str, Any]) -> None:
        row = {"id": charge.id, "amount": charge.invoice.amount, "date": self._world.now()}
        self._world.transactions.append(row | {direction: partner})

    def _tell(self, charge: Charge, **content: Any) -> None:
        chat = self._world.chats[charge.user_id]
        person = self._world.people[charge.user_id]
        self._updates.push(message=_messages.post(self._world, chat, person, **content))
