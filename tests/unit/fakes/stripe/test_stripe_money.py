"""Payments, refunds and disputes of the double move money and tell of it as Stripe's do."""

from __future__ import annotations

from collections import Counter

import httpx
import pytest

from tests.fakes.stripe import CannotPay, Stripe
from tests.unit.fakes.stripe.calls import REFUNDS, SESSIONS, opened, paid, told, types


async def test_card_payment(stripe: Stripe, client: httpx.AsyncClient) -> None:
    """A card pays at once: session, intent, charge and balance agree, and events tell of it."""
    session = await opened(client, **{"payment_intent_data[metadata][pack]": "p100"})
    stripe.customer.is_declined(session["url"])
    payment = stripe.customer.pays(session["url"])
    assert payment.lands_on == f"https://app.example/ok?s={session['id']}"
    path = f"{SESSIONS}/{session['id']}"
    expand = {"expand[]": "payment_intent.latest_charge.balance_transaction.source"}
    got = (await client.get(path, params=expand)).json()
    assert (got["status"], got["payment_status"], got["url"]) == ("complete", "paid", None)
    intent = got["payment_intent"]
    assert (intent["status"], intent["metadata"]) == ("succeeded", {"pack": "p100"})
    moved = intent["latest_charge"]["balance_transaction"]
    assert (moved["type"], moved["amount"], moved["net"]) == ("charge", 499, 499 - moved["fee"])
    assert moved["source"]["id"] == payment.charge["id"]
    assert len(stripe.books.held["intents"]) == 1
    assert types(stripe) == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
        "checkout.session.completed",
    ]
    succeeded = (await client.get("/v1/events", params={"type": "charge.succeeded"})).json()
    assert succeeded["data"][0]["data"]["object"]["balance_transaction"] is None
    with pytest.raises(CannotPay):
        stripe.customer.pays(session["url"])


@pytest.mark.parametrize("arrives", [True, False])
async def test_delayed_payment(stripe: Stripe, client: httpx.AsyncClient, arrives: bool) -> None:
    """A delayed payment completes its session unpaid; what becomes of it is told afterwards."""
    session = await opened(client)
    payment = stripe.customer.pays_later(session["url"])
    got = (await client.get(f"{SESSIONS}/{session['id']}")).json()
    assert (got["status"], got["payment_status"]) == ("complete", "unpaid")
    refused = await client.post(REFUNDS, data={"payment_intent": payment.intent["id"]})
    assert told(refused)[0] == 400
    payment.succeeds() if arrives else payment.fails()
    got = (await client.get(f"{SESSIONS}/{session['id']}")).json()
    assert got["payment_status"] == ("paid" if arrives else "unpaid")
    outcome = "succeeded" if arrives else "failed"
    assert types(stripe)[-1] == f"checkout.session.async_payment_{outcome}"
    kinds = [one["type"] for one in stripe.books.all("transactions")]
    assert kinds == (["payment"] if arrives else [])


async def test_refunds(stripe: Stripe, client: httpx.AsyncClient) -> None:
    """Refunds add up to the charge and no further; each moves the balance."""
    charge = await paid(stripe, client)
    first = await client.post(REFUNDS, data={"charge": charge["id"], "amount": "200"})
    assert (first.json()["amount"], first.json()["status"]) == (200, "succeeded")
    over = await client.post(REFUNDS, data={"charge": charge["id"], "amount": "300"})
    assert told(over) == (400, None, "amount")
    rest = await client.post(REFUNDS, data={"payment_intent": charge["payment_intent"]})
    assert rest.json()["amount"] == 299
    again = await client.post(REFUNDS, data={"charge": charge["id"]})
    assert told(again) == (400, "charge_already_refunded", None)
    got = (await client.get(f"/v1/charges/{charge['id']}")).json()
    assert (got["refunded"], got["amount_refunded"]) == (True, 499)
    listed = (await client.get(REFUNDS, params={"charge": charge["id"]})).json()
    assert [one["amount"] for one in listed["data"]] == [299, 200]
    moved = await client.get("/v1/balance_transactions", params={"type": "refund"})
    assert [one["amount"] for one in moved.json()["data"]] == [-299, -200]
    assert Counter(types(stripe))["charge.refunded"] == 2


@pytest.mark.parametrize(
    ("data", "code", "param"),
    [
        ({}, None, None),
        ({"charge": "ch_x", "payment_intent": "pi_x"}, None, None),
        ({"charge": "ch_x"}, "resource_missing", "charge"),
        ({"payment_intent": "pi_x"}, "resource_missing", "payment_intent"),
        ({"charge": "ch_x", "amount": "0"}, "parameter_invalid_integer", "amount"),
        ({"charge": "ch_x", "reason": "bored"}, None, "reason"),
        ({"charge": "ch_x", "currency_code": "usd"}, "parameter_unknown", "currency_code"),
    ],
)
async def test_wrong_refunds(
    client: httpx.AsyncClient, data: dict[str, str], code: str | None, param: str | None
) -> None:
    """A refund of nothing, of two things, or with wrong parameters is refused."""
    assert told(await client.post(REFUNDS, data=data)) == (400, code, param)


async def test_refund_outcomes(stripe: Stripe, client: httpx.AsyncClient) -> None:
    """A pending refund succeeds or fails; a failed one gives money and right to refund back."""
    charge = await paid(stripe, client)
    stripe.api.refunds_become = "pending"
    half, other = [
        (await client.post(REFUNDS, data={"charge": charge["id"], "amount": "100"})).json()
        for _ in range(2)
    ]
    assert half["status"] == "pending"
    stripe.bank.pays_out(half["id"])
    stripe.bank.returns(other["id"])
    got = (await client.get(f"{REFUNDS}/{other['id']}")).json()
    assert (got["status"], got["failure_reason"]) == ("failed", "lost_or_stolen_card")
    assert (await client.get(f"{REFUNDS}/{half['id']}")).json()["status"] == "succeeded"
    assert (await client.get(f"/v1/charges/{charge['id']}")).json()["amount_refunded"] == 100
    stripe.bank.returns(half["id"])
    whole = (await client.post(REFUNDS, data={"charge": charge["id"]})).json()
    assert whole["amount"] == 499
    assert Counter(types(stripe))["refund.failed"] == 2
    assert sum(one["amount"] for one in stripe.books.all("transactions")) == 0


async def test_disputes(stripe: Stripe, client: httpx.AsyncClient) -> None:
    """A dispute takes the money and a fee, bars refunds, and gives the money back if it is won."""
    charges = [await paid(stripe, client) for _ in range(2)]
    won, lost = (stripe.bank.disputes(charge["id"]) for charge in charges)
    refused = await client.post(REFUNDS, data={"charge": charges[0]["id"]})
    assert told(refused) == (400, "charge_disputed", None)
    won.is_won()
    lost.is_lost()
    listed = (await client.get("/v1/disputes")).json()["data"]
    assert [one["status"] for one in listed] == ["lost", "won"]
    moved = await client.get("/v1/balance_transactions", params={"type": "adjustment"})
    assert [one["amount"] for one in moved.json()["data"]] == [499, -499, -499]
    assert [one["fee"] for one in moved.json()["data"]] == [0, 1500, 1500]
    counted = Counter(types(stripe))
    assert counted["charge.dispute.funds_withdrawn"] == counted["charge.dispute.closed"] == 2
    assert counted["charge.dispute.funds_reinstated"] == 1
    assert (await client.post(REFUNDS, data={"charge": charges[0]["id"]})).status_code == 200
    with pytest.raises(AssertionError):
        lost.is_won()


async def test_inquiries(stripe: Stripe, client: httpx.AsyncClient) -> None:
    """An inquiry takes no money and may be refunded, until it escalates."""
    charge = await paid(stripe, client)
    inquiry = stripe.bank.inquires(charge["id"])
    some = {"charge": charge["id"], "amount": "100"}
    assert (await client.post(REFUNDS, data=some)).status_code == 200
    inquiry.escalates()
    assert told(await client.post(REFUNDS, data=some))[1] == "charge_disputed"
    inquiry.is_lost()
    assert types(stripe)[-1] == "charge.dispute.closed"
