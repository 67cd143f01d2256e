"""Telegram Stars in the double: invoices, payments, refunds, chargebacks, transactions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.telegram import NotPaid
from tests.fakes.telegram.plain import Api, Bot

PRICE = [{"label": "100 credits", "amount": 100}]
PACK = {
    "title": "100 credits",
    "description": "A hundred credits.",
    "payload": "signed",
    "currency": "XTR",
    "prices": PRICE,
}
TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"currency": "USD"}, "CURRENCY_INVALID"),
        ({"provider_token": "x"}, "STARS_INVOICE_INVALID"),
        ({"prices": PRICE * 2}, "STARS_INVOICE_INVALID"),
        ({"prices": []}, "at least one price"),
        ({"prices": [{"label": "x", "amount": 0}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"prices": [{"label": "x", "amount": 10_001}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"prices": [{"label": "x", "amount": 1.5}]}, "must be of type Number"),
        ({"prices": [{"label": "", "amount": 1}]}, "label must be non-empty"),
        ({"payload": ""}, "INVOICE_PAYLOAD_INVALID"),
        ({"payload": "é" * 65}, "INVOICE_PAYLOAD_INVALID"),
        ({"title": "x" * 33}, "INVOICE_TITLE_INVALID"),
        ({"description": "x" * 256}, "INVOICE_DESCRIPTION_INVALID"),
        ({"subscription_period": 86400}, "SUBSCRIPTION_PERIOD_INVALID"),
    ],
)
async def test_an_invoice_that_is_refused(api: Api, wrong: dict[str, Any], words: str) -> None:
    """Stars only: one price within bounds, a payload of 1 to 128 bytes, 30 days or no period."""
    assert words in await api.refused("createInvoiceLink", **{**PACK, **wrong})


async def test_an_invoice_is_paid(api: Api, bot: Bot) -> None:
    """Pre-checkout, payment and transaction name the same charge, by link and by message."""
    anna = api.telegram.person()
    anna.starts()
    link = await api.ok("createInvoiceLink", **PACK, provider_token="")
    message = await api.ok("sendInvoice", chat_id=anna.id, **{**PACK, "payload": "other"})
    first, second = await anna.pays(link), await anna.pays(message)
    await api.telegram.delivered()
    paid = bot.of("successful_payment")
    assert [one["invoice_payload"] for one in paid] == ["signed", "other"]
    assert [one["telegram_payment_charge_id"] for one in paid] == [first.id, second.id]
    rows = (await api.ok("getStarTransactions"))["transactions"]
    assert [one["id"] for one in rows] == [first.id, second.id]
    assert rows[0]["source"]["invoice_payload"] == "signed"
    api.telegram.assert_clean()


async def test_a_keyboard_of_an_invoice_begins_with_pay(api: Api) -> None:
    """SendInvoice refuses another first button."""
    anna = api.telegram.person()
    anna.starts()
    rows = {"inline_keyboard": [[{"text": "x", "callback_data": "x"}]]}
    send = {"chat_id": anna.id, "reply_markup": rows, **PACK}
    assert "BUTTON_TYPE_INVALID" in await api.refused("sendInvoice", **send)


async def test_pre_checkout_is_answered_once_and_in_time(api: Api) -> None:
    """Unknown, twice, without a reason, later than 10 seconds: refused, and nothing is paid."""
    anna = api.telegram.person()
    anna.starts()
    answer = "answerPreCheckoutQuery"
    assert await api.refused(answer, pre_checkout_query_id="1", ok=True) == TOO_OLD
    known = api.telegram.world.query(anna.id)
    by = {"pre_checkout_query_id": known.id}
    assert "error_message" in await api.refused(answer, **by, ok=False)
    await api.ok(answer, **by, ok=True)
    assert await api.refused(answer, **by, ok=True) == TOO_OLD
    late = api.telegram.world.query(anna.id)
    api.telegram.clock.forward(10.5)
    assert await api.refused(answer, pre_checkout_query_id=late.id, ok=True) == TOO_OLD
    api.telegram.rules.pre_checkout_seconds = 0.05
    with pytest.raises(NotPaid, match="in time"):
        await anna.pays(await api.ok("createInvoiceLink", **PACK))
    assert (await api.ok("getStarTransactions"))["transactions"] == []


async def test_a_refund_happens_once(api: Api, bot: Bot) -> None:
    """Unknown, somebody else's and refunded charges are refused; a refund reuses the id."""
    anna, boris = api.telegram.person(), api.telegram.person("Boris")
    anna.starts()
    charge = await anna.pays(await api.ok("createInvoiceLink", **PACK))
    refund = {"user_id": anna.id, "telegram_payment_charge_id": charge.id}
    method = "refundStarPayment"
    assert "CHARGE_ID_INVALID" in await api.refused(method, **{**refund, "user_id": boris.id})
    unknown = {**refund, "telegram_payment_charge_id": "x"}
    assert "CHARGE_ID_INVALID" in await api.refused(method, **unknown)
    assert "invalid user_id" in await api.refused(method, **{**refund, "user_id": 1})
    assert await api.ok(method, **refund) is True
    assert await api.refused(method, **refund) == "Bad Request: CHARGE_ALREADY_REFUNDED"
    rows = (await api.ok("getStarTransactions"))["transactions"]
    assert [(one["id"], "receiver" in one) for one in rows] == [
        (charge.id, False),
        (charge.id, True),
    ]
    await api.telegram.delivered()
    assert bot.of("refunded_payment")[0]["telegram_payment_charge_id"] == charge.id


async def test_a_chargeback_is_in_the_transactions_only(api: Api, bot: Bot) -> None:
    """No update tells of it, and the charge cannot be refunded any more."""
    anna = api.telegram.person()
    anna.starts()
    charge = await anna.pays(await api.ok("createInvoiceLink", **PACK))
    await api.telegram.delivered()
    before = len(bot.updates)
    api.telegram.store_chargeback(charge)
    assert len(api.telegram.updates.pending) == 0
    assert len(bot.updates) == before
    rows = (await api.ok("getStarTransactions", offset=1, limit=1))["transactions"]
    assert (rows[0]["id"], rows[0]["amount"], "receiver" in rows[0]) == (charge.id, 100, True)
    refund = {"user_id": anna.id, "telegram_payment_charge_id": charge.id}
    assert "ALREADY_REFUNDED" in await api.refused("refundStarPayment", **refund)


async def test_transactions_come_in_pages_of_100(api: Api) -> None:
    """A limit of 101 or 0, or an offset below 0, is refused; pages do not overlap."""
    anna = api.telegram.person()
    invoice = api.telegram.world.invoices[await api.ok("createInvoiceLink", **PACK)]
    ids = [api.telegram.payments.charge(anna.id, invoice).id for _ in range(120)]
    first = (await api.ok("getStarTransactions"))["transactions"]
    rest = (await api.ok("getStarTransactions", offset=100))["transactions"]
    assert (len(first), [one["id"] for one in first + rest]) == (100, ids)
    for wrong in ({"limit": 101}, {"limit": 0}, {"offset": -1}):
        assert "INVALID" in await api.refused("getStarTransactions", **wrong)


async def test_a_subscription_renews_until_it_is_cancelled(api: Api, bot: Bot) -> None:
    """Each month is a charge of its own; the bot can cancel only what runs."""
    anna = api.telegram.person()
    anna.starts()
    link = await api.ok("createInvoiceLink", **PACK, subscription_period=2_592_000)
    first = await anna.pays(link)
    edit = {"user_id": anna.id, "is_canceled": True}
    method = "editUserStarSubscription"
    api.telegram.clock.forward(2_592_001)
    late = {**edit, "telegram_payment_charge_id": first.id}
    assert "SUBSCRIPTION_NOT_ACTIVE" in await api.refused(method, **late)
    second = anna.renews(first)
    assert second is not None
    await api.ok(method, **edit, telegram_payment_charge_id=second.id)
    api.telegram.clock.forward(2_592_001)
    assert anna.renews(second) is None
    once = await anna.pays(await api.ok("createInvoiceLink", **PACK))
    plain = {**edit, "telegram_payment_charge_id": once.id}
    assert "SUBSCRIPTION_NOT_ACTIVE" in await api.refused(method, **plain)
    await api.telegram.delivered()
    paid = bot.of("successful_payment")
    assert [one.get("is_first_recurring") for one in paid] == [True, None, None]
    assert [one.get("is_recurring") for one in paid] == [True, True, None]


async def test_a_forged_payment_is_in_no_list(api: Api, bot: Bot) -> None:
    """The bot is told what Telegram does not know, and any field of it can be wrong."""
    anna = api.telegram.person()
    anna.starts()
    charge = await anna.pays(await api.ok("createInvoiceLink", **PACK))
    api.telegram.forged_payment(anna, total_amount=100, currency="USD")
    api.telegram.forged_payment(anna, telegram_payment_charge_id=charge.id, total_amount=7)
    await api.telegram.delivered()
    told = [(one["currency"], one["total_amount"]) for one in bot.of("successful_payment")]
    assert told == [("XTR", 100), ("USD", 100), ("XTR", 7)]
    rows = (await api.ok("getStarTransactions"))["transactions"]
    assert [(one["id"], one["amount"]) for one in rows] == [(charge.id, 100)]
