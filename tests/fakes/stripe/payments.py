"""What happens to money: payments, refunds and disputes, each with the events that tell of it.

Sources: docs, "Fulfill orders" (delayed notification payment methods complete a session unpaid),
"Asynchronous capture" (a charge succeeds before it has a balance transaction), "Refunds" (one that
fails gives the money back to the account's balance), "Disputes" (funds are withdrawn with a fee and
come back, without the fee, if it is won), "Balance transaction types" (cards make `charge` and
`refund`, other methods `payment` and `payment_refund`; a dispute is an `adjustment`). Refusals of
refunds: docs, "Error codes", and reports of users (reaction issue 3704, woocommerce-gateway-stripe
issue 1315, SyliusStripePlugin 120). Not found documented, so chosen here: that a failed refund
lowers `amount_refunded` again, and 400 (not 404) for a refund of a charge that there is not: rely
on the error's code.
"""

from __future__ import annotations

from typing import Any

from tests.fakes.stripe.books import Books, Thing
from tests.fakes.stripe.errors import Invalid, Refused
from tests.fakes.stripe.rules import EXPAND, choice, fields, integer, metadata, text

DISPUTE_FEE = 1_500
_FEE_PER_MILLE, _FEE_FIXED = 29, 30

REFUND = fields(
    optional={
        "amount": integer(least=1),
        "charge": text(),
        "expand": EXPAND,
        "metadata": metadata,
        "payment_intent": text(),
        "reason": choice("duplicate", "fraudulent", "requested_by_customer"),
    },
    not_modelled=frozenset(
        {
            "currency",
            "customer",
            "instructions_email",
            "origin",
            "refund_application_fee",
            "reverse_transfer",
        }
    ),
)


def _change(books: Books, kind: str, thing: Thing, **fields_: Any) -> None:
    previous = {name: thing.get(name) for name in fields_}
    thing |= fields_
    books.emit(kind, thing, previous)


def begin(books: Books, session: Thing, *, method: str) -> tuple[Thing, Thing]:
    """The payment intent of a session and a new charge, neither decided yet."""
    data = books.intent_data[session["id"]]
    amount, currency, now = session["amount_total"], session["currency"], books.now()
    common = {
        "amount": amount,
        "created": now,
        "currency": currency,
        "customer": None,
        "description": data.get("description"),
        "livemode": False,
        "metadata": data.get("metadata", {}),
    }
    charge = common | {
        "id": books.new_id("ch_" if method == "card" else "py_"),
        "object": "charge",
        "amount_captured": 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "captured": False,
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "metadata": dict(common["metadata"]),
        "paid": False,
        "payment_intent": None,
        "payment_method_details": {"type": method},
        "refunded": False,
        "status": "pending",
    }
    books.add("charges", charge)
    intent = _intent(books, session, common)
    charge["payment_intent"] = intent["id"]
    intent |= {"latest_charge": charge["id"], "status": "processing"}
    return intent, charge


def _intent(books: Books, session: Thing, common: Thing) -> Thing:
    """One for a session, however many cards are tried."""
    if session["id"] in books.intent_of:
        return books.get("intents", books.intent_of[session["id"]])
    intent = common | {
        "id": books.new_id("pi_"),
        "object": "payment_intent",
        "amount_received": 0,
        "capture_method": "automatic_async",
        "last_payment_error": None,
        "latest_charge": None,
        "payment_method_types": session["payment_method_types"],
        "status": "requires_payment_method",
    }
    books.intent_of[session["id"]] = intent["id"]
    books.add("intents", intent)
    books.emit("payment_intent.created", intent)
    return intent


def succeed(books: Books, intent: Thing, charge: Thing) -> None:
    amount = charge["amount"]
    charge |= {"amount_captured": amount, "captured": True, "paid": True, "status": "succeeded"}
    intent |= {"amount_received": amount, "last_payment_error": None, "status": "succeeded"}
    books.emit("charge.succeeded", charge)
    books.emit("payment_intent.succeeded", intent)
    kind = "charge" if charge["id"].startswith("ch_") else "payment"
    fee = amount * _FEE_PER_MILLE // 1000 + _FEE_FIXED
    moved = books.transact(kind, "charge", amount, charge, fee=fee)
    _change(books, "charge.updated", charge, balance_transaction=moved["id"])


def fail(books: Books, intent: Thing, charge: Thing, code: str) -> None:
    message = f"The payment failed: {code}."
    charge |= {"failure_code": code, "failure_message": message, "status": "failed"}
    error = {"code": code, "message": message, "type": "card_error"}
    intent |= {"last_payment_error": error, "status": "requires_payment_method"}
    books.emit("charge.failed", charge)
    books.emit("payment_intent.payment_failed", intent)


def refund(books: Books, given: Thing, *, card_status: str) -> Thing:
    """A refund of a charge: reference, "Create a refund"."""
    charge = _charge_to_refund(books, given)
    left = charge["amount"] - charge["amount_refunded"]
    amount = given.get("amount", left)
    if amount > left:
        what = "unrefunded amount on charge" if charge["amount_refunded"] else "charge amount"
        message = f"Refund amount ({amount}) is greater than {what} ({left})"
        raise Refused(message, param="amount")
    is_card = charge["id"].startswith("ch_")
    made = {
        "id": books.new_id("re_" if is_card else "pyr_"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": books.now(),
        "currency": charge["currency"],
        "metadata": given.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "reason": given.get("reason"),
        "status": card_status if is_card else "pending",
    }
    books.add("refunds", made)
    kind = "refund" if is_card else "payment_refund"
    made["balance_transaction"] = books.transact(kind, "refund", -amount, made)["id"]
    returned = charge["amount_refunded"] + amount
    books.emit("refund.created", made)
    whole = returned == charge["amount"]
    _change(books, "charge.refunded", charge, amount_refunded=returned, refunded=whole)
    return made


def _charge_to_refund(books: Books, given: Thing) -> Thing:
    if ("charge" in given) == ("payment_intent" in given):
        message = "One of these params should be provided, and one only: payment_intent or charge."
        raise Invalid(message)
    if "charge" in given:
        charge = books.get("charges", given["charge"], "charge", status=400)
    else:
        intent = books.get("intents", given["payment_intent"], "payment_intent", status=400)
        charge = books.get("charges", intent["latest_charge"])
    if charge["status"] != "succeeded":
        what = f"This PaymentIntent ({charge['payment_intent']})"
        raise Refused(f"{what} does not have a successful charge to refund.")
    if charge["disputed"] and not _is_refundable(books, charge):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise Refused(message, code="charge_disputed")
    if charge["refunded"]:
        message = f"Charge {charge['id']} has already been refunded."
        raise Refused(message, code="charge_already_refunded")
    return charge


def _is_refundable(books: Books, charge: Thing) -> bool:
    disputes = [one for one in books.all("disputes") if one["charge"] == charge["id"]]
    return all(one["is_charge_refundable"] or one["status"] == "won" for one in disputes)


def settle_refund(books: Books, made: Thing, *, failure: str | None) -> None:
    """A pending refund arrives; or one, even one that had succeeded, comes back."""
    if failure is None:
        assert made["status"] == "pending", "only a pending refund can still arrive"
        _change(books, "refund.updated", made, status="succeeded")
        books.emit("charge.refund.updated", made)
        return
    assert made["status"] in {"pending", "succeeded"}, "it failed already"
    back = books.transact("refund_failure", "refund_failure", made["amount"], made)
    previous = made["status"]
    made |= {
        "failure_balance_transaction": back["id"],
        "failure_reason": failure,
        "status": "failed",
    }
    charge = books.get("charges", made["charge"])
    charge |= {"amount_refunded": charge["amount_refunded"] - made["amount"], "refunded": False}
    books.emit("refund.updated", made, {"status": previous})
    books.emit("refund.failed", made)
    books.emit("charge.refund.updated", made, {"status": previous})


def dispute(
    books: Books, charge: Thing, *, amount: int | None, reason: str, inquiry: bool
) -> Thing:
    """The customer's bank takes the money back; an inquiry only asks."""
    assert charge["status"] == "succeeded", "only a charge that succeeded can be disputed"
    assert not charge["disputed"], "it is disputed already"
    left = charge["amount"] - charge["amount_refunded"]
    assert left > 0, "all of it is refunded"
    made = {
        "id": books.new_id("du_"),
        "object": "dispute",
        "amount": left if amount is None else amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": books.now(),
        "currency": charge["currency"],
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    books.add("disputes", made)
    charge["disputed"] = True
    books.emit("charge.dispute.created", made)
    if not inquiry:
        withdraw(books, made)
    return made


def withdraw(books: Books, made: Thing) -> None:
    taken = books.transact("adjustment", "dispute", -made["amount"], made, fee=DISPUTE_FEE)
    made["balance_transactions"].append(taken)
    books.emit("charge.dispute.funds_withdrawn", made)


def close_dispute(books: Books, made: Thing, status: str) -> None:
    assert status in {"won", "lost", "warning_closed"}
    assert made["status"].endswith("needs_response"), "it is closed already"
    was_inquiry = made["status"].startswith("warning")
    assert was_inquiry == (status == "warning_closed"), f"{made['status']} cannot become {status}"
    _change(books, "charge.dispute.closed", made, status=status)
    if status == "won":
        back = books.transact("adjustment", "dispute_reversal", made["amount"], made)
        made["balance_transactions"].append(back)
        books.emit("charge.dispute.funds_reinstated", made)
