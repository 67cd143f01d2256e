"""Those who act on money without our asking: customers and banks. Tests call them directly."""

from __future__ import annotations

from tests.fakes.stripe import payments
from tests.fakes.stripe.books import Books, Thing


class CannotPay(Exception):
    """The page of this session takes no payment: it is paid, under way or expired."""


class Payment:
    """A payment that a customer has set off."""

    def __init__(self, books: Books, session: Thing, intent: Thing, charge: Thing) -> None:
        self._books = books
        self.session, self.intent, self.charge = session, intent, charge
        self.lands_on = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
        """Where the browser goes to."""

    def succeeds(self) -> None:
        """A delayed payment arrives."""
        assert self.charge["status"] == "pending", "it is decided already"
        payments.succeed(self._books, self.intent, self.charge)
        self.session["payment_status"] = "paid"
        self._books.emit("checkout.session.async_payment_succeeded", self.session)

    def fails(self, code: str = "payment_intent_payment_attempt_failed") -> None:
        """A delayed payment never arrives; the session stays complete and unpaid."""
        assert self.charge["status"] == "pending", "it is decided already"
        payments.fail(self._books, self.intent, self.charge, code)
        self._books.emit("checkout.session.async_payment_failed", self.session)


class Customer:
    """Somebody in front of Checkout's page."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def pays(self, session_url: str, *, email: str = "buyer@example.com") -> Payment:
        """By card: it is paid at once."""
        payment = self._sets_off(session_url, email, "card")
        payments.succeed(self._books, payment.intent, payment.charge)
        payment.session["payment_status"] = "paid"
        self._books.emit("checkout.session.completed", payment.session)
        return payment

    def pays_later(self, session_url: str, *, email: str = "buyer@example.com") -> Payment:
        """By debit: the session completes unpaid, and the payment is decided afterwards."""
        payment = self._sets_off(session_url, email, "sepa_debit")
        self._books.emit("payment_intent.processing", payment.intent)
        self._books.emit("charge.pending", payment.charge)
        self._books.emit("checkout.session.completed", payment.session)
        return payment

    def is_declined(self, session_url: str, code: str = "card_declined") -> None:
        """The card is refused, and the session stays open."""
        session = self._open(session_url)
        intent, charge = payments.begin(self._books, session, method="card")
        payments.fail(self._books, intent, charge, code)

    def _open(self, session_url: str) -> Thing:
        self._books.catch_up()
        session = self._books.get("sessions", session_url.rpartition("/")[2])
        if session["status"] != "open":
            raise CannotPay(session["status"])
        return session

    def _sets_off(self, session_url: str, email: str, method: str) -> Payment:
        session = self._open(session_url)
        if method not in session["payment_method_types"]:
            raise CannotPay(f"{method} is not offered")
        intent, charge = payments.begin(self._books, session, method=method)
        session |= {
            "customer_details": {"email": session["customer_email"] or email},
            "payment_intent": intent["id"],
            "status": "complete",
            "url": None,
        }
        return Payment(self._books, session, intent, charge)


class Dispute:
    """A dispute that a bank has opened."""

    def __init__(self, books: Books, thing: Thing) -> None:
        self._books = books
        self.thing = thing

    def is_won(self) -> None:
        """The money comes back."""
        payments.close_dispute(self._books, self.thing, "won")

    def is_lost(self) -> None:
        """The money is gone."""
        payments.close_dispute(self._books, self.thing, "lost")

    def is_dropped(self) -> None:
        """An inquiry ends without a chargeback."""
        payments.close_dispute(self._books, self.thing, "warning_closed")

    def escalates(self) -> None:
        """An inquiry becomes a chargeback."""
        assert self.thing["status"] == "warning_needs_response", "only an inquiry can escalate"
        self.thing |= {"is_charge_refundable": False, "status": "needs_response"}
        self._books.emit("charge.dispute.updated", self.thing, {"status": "warning_needs_response"})
        payments.withdraw(self._books, self.thing)


class Bank:
    """The customer's bank. Charges and refunds are named by their ids."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def disputes(
        self, charge_id: str, *, amount: int | None = None, reason: str = "fraudulent"
    ) -> Dispute:
        """A chargeback, of all that is not refunded if no amount is told."""
        return self._dispute(charge_id, amount, reason, inquiry=False)

    def inquires(self, charge_id: str, *, reason: str = "general") -> Dispute:
        """A question that takes no money yet."""
        return self._dispute(charge_id, None, reason, inquiry=True)

    def pays_out(self, refund_id: str) -> None:
        """A pending refund arrives."""
        refund = self._books.get("refunds", refund_id)
        payments.settle_refund(self._books, refund, failure=None)

    def returns(self, refund_id: str, reason: str = "lost_or_stolen_card") -> None:
        """A refund cannot be delivered: it fails, and the money goes back to the account."""
        refund = self._books.get("refunds", refund_id)
        payments.settle_refund(self._books, refund, failure=reason)

    def _dispute(
        self, charge_id: str, amount: int | None, reason: str, *, inquiry: bool
    ) -> Dispute:
        charge = self._books.get("charges", charge_id)
        made = payments.dispute(self._books, charge, amount=amount, reason=reason, inquiry=inquiry)
        return Dispute(self._books, made)
