"""Checkout sessions in payment mode: what may be asked for, and what comes of it.

Parameters and their bounds are those of the reference, "Create a Checkout Session", as the
official package's `SessionCreateParams` repeats it: expiry from 30 minutes to 24 hours, 200
characters of `client_reference_id`, 100 line items. `success_url` is required of hosted pages
(stripe-node issue 1944), `cancel_url` is not; exactly 24 hours are too many (moodle-paygw_stripe
72). Least amounts: docs, "Supported currencies". The payment intent exists only once the customer
has paid (changelog, 2022-08-01).
"""

from __future__ import annotations

from typing import Any

from tests.fakes.stripe.books import Books, Thing
from tests.fakes.stripe.errors import Invalid, Refused
from tests.fakes.stripe.rules import (
    EXPAND,
    choice,
    fields,
    integer,
    metadata,
    several,
    text,
    url,
)

EXPIRES_SECONDS_MIN = 30 * 60
EXPIRES_SECONDS_MAX = 24 * 3600
REFERENCE_CHARACTERS_MAX = 200
LINE_ITEMS_MAX = 100
METHODS = ("card", "sepa_debit")
"""What the account offers where a session does not say: one that pays at once, one delayed."""
AMOUNT_MAX = 99_999_999
AMOUNT_MIN = {
    "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17_500, "inr": 50, "jpy": 50, "mxn": 1000,
    "myr": 200, "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50,
    "thb": 1000, "usd": 50,
}  # fmt: skip
"""In the smallest unit, for an account that settles in that currency."""


def _currency(value: Any, param: str) -> str:
    if value not in AMOUNT_MIN:
        supported = ", ".join(AMOUNT_MIN)
        message = (
            f"Invalid currency: {value}. Stripe currently supports these currencies: {supported}"
        )
        raise Invalid(message, param=param)
    return value


_PRODUCT = fields(
    required={"name": text()},
    optional={"description": text(), "metadata": metadata},
    not_modelled=frozenset({"images", "tax_code", "tax_details", "unit_label"}),
)
_PRICE = fields(
    required={"currency": _currency, "product_data": _PRODUCT, "unit_amount": integer()},
    not_modelled=frozenset({"product", "recurring", "tax_behavior", "unit_amount_decimal"}),
)
_LINE = fields(
    required={"price_data": _PRICE, "quantity": integer(least=1)},
    not_modelled=frozenset({"adjustable_quantity", "metadata", "price", "tax_rates"}),
)
_INTENT = fields(
    optional={
        "description": text(1000),
        "metadata": metadata,
        "statement_descriptor_suffix": text(22),
    },
    not_modelled=frozenset(
        {
            "application_fee_amount",
            "capture_method",
            "on_behalf_of",
            "receipt_email",
            "setup_future_usage",
            "shipping",
            "statement_descriptor",
            "transfer_data",
            "transfer_group",
        }
    ),
)
_NOT_MODELLED = frozenset(
    [
        "adaptive_pricing",
        "after_expiration",
        "allow_promotion_codes",
        "allowed_payment_method_types",
        "automatic_tax",
        "billing_address_collection",
        "branding_settings",
        "consent_collection",
        "currency",
        "custom_fields",
        "custom_text",
        "customer",
        "customer_account",
        "customer_creation",
        "customer_update",
        "discounts",
        "excluded_payment_method_types",
        "integration_identifier",
        "invoice_creation",
        "managed_payments",
        "name_collection",
        "optional_items",
        "origin_context",
        "payment_method_collection",
        "payment_method_configuration",
        "payment_method_data",
        "payment_method_options",
        "permissions",
        "phone_number_collection",
        "redirect_on_completion",
        "return_url",
        "saved_payment_method_options",
        "setup_intent_data",
        "shipping_address_collection",
        "shipping_options",
        "subscription_data",
        "tax_id_collection",
        "ui_mode",
        "wallet_options",
    ]
)

CREATE = fields(
    required={
        "line_items": several(_LINE, most=LINE_ITEMS_MAX),
        "mode": choice("payment", "setup", "subscription"),
        "success_url": url,
    },
    optional={
        "cancel_url": url,
        "client_reference_id": text(REFERENCE_CHARACTERS_MAX),
        "customer_email": text(800),
        "expand": EXPAND,
        "expires_at": integer(),
        "locale": text(10),
        "metadata": metadata,
        "payment_intent_data": _INTENT,
        "payment_method_types": several(choice(*METHODS), most=20),
        "submit_type": choice("auto", "book", "donate", "pay"),
    },
    not_modelled=_NOT_MODELLED,
)


def _expiry(asked: int | None, now: int) -> int:
    if asked is None:
        return now + EXPIRES_SECONDS_MAX
    message = "The `expires_at` timestamp must be {} from Checkout Session creation."
    if asked < now + EXPIRES_SECONDS_MIN:
        raise Invalid(message.format("at least 30 minutes"), param="expires_at")
    if asked >= now + EXPIRES_SECONDS_MAX:
        raise Invalid(message.format("less than 24 hours"), param="expires_at")
    return asked


def _total(lines: list[Thing]) -> tuple[int, str]:
    currencies = {line["price_data"]["currency"] for line in lines}
    if len(currencies) != 1:
        message = "Checkout Session line items must all have the same currency."
        raise Invalid(message, param="line_items")
    (currency,) = currencies
    total = sum(line["price_data"]["unit_amount"] * line["quantity"] for line in lines)
    if total < AMOUNT_MIN[currency]:
        least = f"{AMOUNT_MIN[currency]} {currency} in its smallest unit"
        message = f"The Checkout Session's total amount due must add up to at least {least}"
        raise Invalid(message, code="amount_too_small")
    if total > AMOUNT_MAX:
        raise Invalid(f"Amount must be no more than {AMOUNT_MAX}", code="amount_too_large")
    return total, currency


def _item(books: Books, line: Thing) -> Thing:
    price, amount = line["price_data"], line["price_data"]["unit_amount"] * line["quantity"]
    return {
        "id": books.new_id("li_"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": price["product_data"]["name"],
        "price": {
            "id": books.new_id("price_"),
            "object": "price",
            "active": False,
            "currency": price["currency"],
            "livemode": False,
            "product": books.new_id("prod_"),
            "type": "one_time",
            "unit_amount": price["unit_amount"],
        },
        "quantity": line["quantity"],
    }


def create(books: Books, given: Thing) -> Thing:
    """An open session."""
    if given["mode"] != "payment":
        raise Invalid("The double of Stripe models mode=payment alone.", param="mode", status=501)
    if not given["line_items"]:
        raise Invalid("You must provide line items.", param="line_items")
    now = books.now()
    total, currency = _total(given["line_items"])
    session_id = books.new_id("cs_test_")
    session = {
        "id": session_id,
        "object": "checkout.session",
        "amount_subtotal": total,
        "amount_total": total,
        "cancel_url": given.get("cancel_url"),
        "client_reference_id": given.get("client_reference_id"),
        "created": now,
        "currency": currency,
        "customer": None,
        "customer_details": None,
        "customer_email": given.get("customer_email"),
        "expires_at": _expiry(given.get("expires_at"), now),
        "livemode": False,
        "locale": given.get("locale"),
        "metadata": given.get("metadata", {}),
        "mode": "payment",
        "payment_intent": None,
        "payment_method_types": given.get("payment_method_types", list(METHODS)),
        "payment_status": "unpaid",
        "status": "open",
        "submit_type": given.get("submit_type"),
        "success_url": given["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{books.origin}/c/pay/{session_id}",
    }
    books.line_items[session_id] = [_item(books, line) for line in given["line_items"]]
    books.intent_data[session_id] = given.get("payment_intent_data", {})
    return books.add("sessions", session)


def expire(books: Books, session: Thing) -> Thing:
    """Nobody can pay it any more: reference, "Expire a Checkout Session"."""
    if session["status"] != "open":
        message = (
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`."
        )
        raise Refused(message)
    books.expire(session)
    return session
