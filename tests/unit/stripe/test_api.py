"""Each call of Stripe is made once, and ends with an answer or an error that says what it means."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from runtime.errors import PixelpopError, SettingsError
from runtime.settings import Settings
from runtime.stripe.api import Stripe, open_stripe
from runtime.stripe.errors import StripeRefused, StripeSlowDown, StripeUnreachable
from tests.fakes import stripe as fakes

PRICE: dict[str, Any] = {
    "currency": "usd",
    "unit_amount": 499,
    "product_data": {"name": "50 credits"},
}
SESSION: dict[str, Any] = {
    "mode": "payment",
    "success_url": "https://app.example/ok",
    "line_items": [{"price_data": PRICE, "quantity": 1}],
    "payment_intent_data": {"metadata": {"pack": "regular"}},
}


@pytest.fixture
async def double() -> AsyncIterator[fakes.Stripe]:
    async with fakes.Stripe() as one:
        yield one


@pytest.fixture
async def stripe(double: fakes.Stripe) -> AsyncIterator[Stripe]:
    one = open_stripe(
        Settings(
            stripe_secret_key=fakes.API_KEY,
            stripe_api_base=double.base_url + "/",
            stripe_timeout_seconds=0.5,
        )
    )
    yield one
    await one.stop()


async def bought(double: fakes.Stripe, stripe: Stripe, key: str) -> fakes.Payment:
    session = await stripe.open_session(SESSION, key)
    assert session.url is not None
    return double.customer.pays(session.url)


async def test_sessions(double: fakes.Stripe, stripe: Stripe) -> None:
    """A key makes one session, and another one with it is refused for good."""
    first = await stripe.open_session(SESSION, "a")
    assert await stripe.open_session(SESSION, "a") == first
    assert len(double.books.held["sessions"]) == 1
    with pytest.raises(StripeRefused) as refused:
        await stripe.open_session(SESSION | {"submit_type": "pay"}, "a")
    assert not refused.value.retryable
    with pytest.raises(StripeRefused) as refused:
        await stripe.open_session(SESSION | {"success_url": "nowhere"}, "b")
    assert refused.value.reason == "url_invalid"


async def test_payment(double: fakes.Stripe, stripe: Stripe) -> None:
    """A payment comes with what was written on it, its refunds and its disputes, oldest first."""
    payment = await bought(double, stripe, "a")
    said = await stripe.payment(payment.intent["id"])
    assert (said.intent.status, said.intent.amount_received) == ("succeeded", 499)
    assert said.intent.metadata == {"pack": "regular"}
    assert said.refunds == said.disputes == ()
    double.bank.disputes(payment.charge["id"]).is_won()
    refund = await stripe.refund(payment.intent["id"])
    said = await stripe.payment(payment.intent["id"])
    assert said.refunds == (refund,)
    assert [one.status for one in said.disputes] == ["won"]


async def test_refused_refunds(double: fakes.Stripe, stripe: Stripe) -> None:
    """A refusal has the reason that Stripe gives."""
    payment = await bought(double, stripe, "a")
    await stripe.refund(payment.intent["id"])
    disputed = await bought(double, stripe, "b")
    double.bank.disputes(disputed.charge["id"])
    for intent, reason in (
        (payment.intent["id"], "charge_already_refunded"),
        (disputed.intent["id"], "charge_disputed"),
        ("pi_nobody", "resource_missing"),
    ):
        with pytest.raises(StripeRefused) as refused:
            await stripe.refund(intent)
        assert refused.value.reason == reason


async def test_lists(double: fakes.Stripe, stripe: Stripe) -> None:
    """A list is read to its end, page by page, each thing once."""
    for number in range(105):
        session = double.books.get("sessions", (await stripe.open_session(SESSION, str(number))).id)
        double.customer.pays(session["url"])
    seen = [one.id async for one in stripe.intents(0)]
    assert sorted(seen) == sorted(double.books.held["intents"])
    assert [one.id async for one in stripe.refunds(0)] == []
    assert [one.id async for one in stripe.intents(2**33)] == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("429", StripeSlowDown),
        ("429 lock", StripeSlowDown),
        ("500", StripeUnreachable),
        ("500 done", StripeUnreachable),
        ("502", StripeUnreachable),
        ("503", StripeUnreachable),
        ("cut", StripeUnreachable),
        ("lost", StripeUnreachable),
        ("half", StripeUnreachable),
        ("hang", StripeUnreachable),
    ],
)
async def test_trouble(
    double: fakes.Stripe, stripe: Stripe, fault: str, error: type[PixelpopError]
) -> None:
    """Every trouble is one call and an error that may be repeated, without the key in it."""
    double.fail(fault)
    with pytest.raises(error) as raised:
        await stripe.open_session(SESSION, "a")
    assert raised.value.retryable
    assert fakes.API_KEY not in str(raised.value)
    assert len(double.calls) == 1


async def test_keys(double: fakes.Stripe) -> None:
    """Without a key there is no Stripe, and a wrong one is told without being shown."""
    with pytest.raises(SettingsError, match="STRIPE_SECRET_KEY"):
        open_stripe(Settings())
    stripe = open_stripe(
        Settings(stripe_secret_key="sk_wrong_key_of_ours", stripe_api_base=double.base_url)
    )
    with pytest.raises(StripeRefused) as refused:
        await stripe.refund("pi_1")
    assert refused.value.status == 401
    assert "key_of_ours" not in str(refused.value)
    await stripe.stop()
