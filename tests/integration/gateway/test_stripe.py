"""Paying by Stripe, and what its webhooks may do (threats 24, 25, 28 to 30)."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from events.purchases import (
    UNKNOWN_ACCOUNT,
    CreditsPurchased,
    PaymentFinding,
    PurchaseRefunded,
)
from events.stripe_payments import PURPOSE, Offered, metadata_of, purchase_id
from runtime.crypto.master import master_keys
from runtime.waiting import until
from tests.fakes import stripe as fakes
from tests.integration.gateway.log import events_about
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.stripe_shop import (
    PACK,
    PATH,
    WELCOME,
    Shop,
    elsewhere,
    of,
    refunded,
    selling,
)
from tests.integration.gateway.world import Person, World


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(world: World) -> AsyncIterator[Shop]:
    async with selling(world) as one:
        yield one


@pytest.fixture(autouse=True)
def _nothing_is_left(shop: Shop) -> None:
    shop.stripe.post.delivered.clear()
    shop.stripe.post.given_up.clear()


async def test_bought(shop: Shop) -> None:
    """Nothing is bought before it is paid; paid, it is granted once, however often it is told."""
    one = await shop.customer()
    offer = await shop.offered(one)
    assert offer["status"] == "awaiting_payment"
    assert (offer["amount"], offer["currency"]) == (PACK.usd_cents, "USD")
    assert await shop.offered(one) == offer
    shop.stripe.customer.is_declined(offer["payment_url"])
    await shop.stripe.post.deliver()
    assert await of(shop, one, CreditsPurchased) == []
    payment = shop.stripe.customer.pays(offer["payment_url"])
    await shop.stripe.post.deliver(rng=random.Random(1), times_max=5)
    await shop.shows(one, WELCOME + PACK.credits)
    assert {found.status for found in shop.stripe.post.delivered} == {200}
    (bought,) = await of(shop, one, CreditsPurchased)
    assert (bought.provider, bought.pack_id, bought.credits) == ("stripe", PACK.id, PACK.credits)
    assert (bought.amount, bought.currency) == (PACK.usd_cents, "USD")
    assert bought.offer_id == offer["offer_id"]
    assert bought.charge_id.startswith("v1.")
    assert payment.intent["id"] not in bought.charge_id
    (shown,) = (await one.get("/purchases")).json()["items"]
    assert (shown["id"], shown["status"]) == (bought.purchase_id, "granted")


async def test_not_in_telegram(shop: Shop, person: Person) -> None:
    """Telegram's apps are not offered Stripe, nor do packs that are sold for Stars only sell."""
    again = Person(shop.gateway.client, person.telegram_id, person.login)
    body = {"pack_id": PACK.id, "provider": "stripe"}
    answer = await again.post("/purchases", json=body, headers={"Idempotency-Key": "a"})
    is_problem(answer, 422, "invalid-request")
    one = await shop.customer()
    body = {"pack_id": "monthly", "provider": "stripe"}
    answer = await one.post("/purchases", json=body, headers={"Idempotency-Key": "a"})
    is_problem(answer, 422, "invalid-request")


async def test_later(shop: Shop) -> None:
    """A delayed payment is granted when it arrives, and not at all if it never does."""
    one = await shop.customer()
    urls = [(await shop.offered(one, str(number)))["payment_url"] for number in range(2)]
    arrives, fails = [shop.stripe.customer.pays_later(url) for url in urls]
    await shop.stripe.post.deliver()
    assert await of(shop, one, CreditsPurchased, PaymentFinding) == []
    arrives.succeeds()
    fails.fails()
    await shop.stripe.post.deliver()
    await shop.shows(one, WELCOME + PACK.credits)
    assert len(await of(shop, one, CreditsPurchased)) == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_28_any_order(shop: Shop, seed: int) -> None:
    """Threat 28: a payment, a lost refund and a lost dispute, told one to five times in any order
    beside each other: the credits are taken back once, and given back once if the money is.
    """
    rng = random.Random(seed)
    one = await shop.customer()
    payments = [await shop.paid(one, str(number)) for number in range(3)]
    for payment in payments:
        shop.stripe.bank.disputes(payment.charge["id"]).is_won()
    async with httpx.AsyncClient(base_url=shop.stripe.base_url) as client:
        for payment in payments[1:]:
            refund = await refunded(client, payment)
        shop.stripe.bank.returns(refund["id"])
    await shop.stripe.post.deliver(rng=rng, times_max=5, at_once=4)
    assert shop.stripe.post.given_up == []
    await shop.shows(one, WELCOME + 2 * PACK.credits)
    assert len(await of(shop, one, CreditsPurchased)) == 7
    assert len(await of(shop, one, PurchaseRefunded)) == 5


async def test_30_refund_of_what_is_spent(shop: Shop) -> None:
    """Threat 30: what was spent of money that a bank takes back is a visible debt, once."""
    one = await shop.customer()
    payment = await shop.paid(one)
    await shop.stripe.post.deliver()
    await shop.shows(one, WELCOME + PACK.credits)
    answer = await one.ask(count=4)
    assert answer.status_code == 202
    await shop.shows(one, WELCOME + PACK.credits - 4)
    await shop.world.complete(one, answer.json()["id"], 4)
    shop.stripe.bank.disputes(payment.charge["id"])
    await shop.stripe.post.deliver(rng=random.Random(3), times_max=5)
    await shop.shows(one, 1)
    (refunded,) = await of(shop, one, PurchaseRefunded)
    assert refunded.reason == "chargeback"
    (shown,) = (await one.get("/purchases")).json()["items"]
    assert shown["status"] == "refunded"


def findings(kind: str) -> float:
    """How many findings of Stripe's the gateway has counted."""
    name = "pixelpop_gateway_payment_findings_total"
    return REGISTRY.get_sample_value(name, {"provider": "stripe", "kind": kind}) or 0.0


async def test_29_what_was_not_offered(shop: Shop) -> None:
    """Threat 29: a payment of another amount, for another account than was offered, or signed by
    nobody of ours grants nothing and is a finding; one of another shop is none of our business.
    """
    one, other = await shop.customer(), await shop.customer()
    offered = Offered(
        account=one.account_id,
        pack=PACK.id,
        credits=PACK.credits,
        amount=PACK.usd_cents or 0,
        currency="USD",
        offer=str(one.account_id),
    )
    right = metadata_of(offered, master_keys(shop.world.settings).current.subkey(PURPOSE))
    payments = [
        await elsewhere(shop, right, 50),
        await elsewhere(shop, right | {"pixelpop_account": other.account_id}),
        await elsewhere(shop, right | {"pixelpop_credits": "1000000"}),
        await elsewhere(shop, metadata_of(offered, b"k" * 32)),
        await elsewhere(shop, {"order": "7"}),
    ]
    seen = findings("amount-mismatch"), findings("not-offered")
    await shop.stripe.post.deliver(rng=random.Random(3), times_max=3)
    assert shop.stripe.post.given_up == []
    # Operators watch how many there are; a message that is repeated is not another one.
    assert findings("amount-mismatch") == seen[0] + 1
    assert findings("not-offered") == seen[1] + 3
    (found,) = await of(shop, one, CreditsPurchased, PaymentFinding)
    assert (found.kind, found.amount, found.expected_amount) == (
        "amount-mismatch",
        50,
        PACK.usd_cents,
    )
    ours = {purchase_id(payment.intent["id"]) for payment in payments}  # others share the log
    unknown = [
        event
        for event in await events_about(shop.world, UNKNOWN_ACCOUNT)
        if isinstance(event, PaymentFinding) and event.purchase_id in ours
    ]
    assert len({event.purchase_id for event in unknown}) == 3
    assert {event.kind for event in unknown} == {"not-offered"}
    assert await of(shop, other, CreditsPurchased, PaymentFinding) == []
    assert len(payments) == 5


async def test_25_forged(shop: Shop) -> None:
    """Threats 24 and 25: without a signature of now, over these bytes, nothing is looked at."""
    one = await shop.customer()
    payment = await shop.paid(one)
    shop.stripe.post.held.add("*")
    event = {
        "id": "evt_1",
        "type": "checkout.session.completed",
        "data": {"object": {"payment_intent": payment.intent["id"]}},
    }
    body = json.dumps(event, indent=2).encode()
    secret = shop.stripe.post.endpoints[0].secrets[0]
    now = shop.stripe.books.now()
    right = fakes.signature(body, [secret], now)
    calls = len(shop.stripe.calls)
    for content, header in (
        (body, None),
        (body, "t=1,v1=00"),
        (body, fakes.signature(body, ["whsec_another"], now)),
        (body, fakes.signature(body, [secret], now - 301)),
        (json.dumps(event).encode(), right),
        (body.replace(b"pi_", b"pi_x"), right),
    ):
        headers = {} if header is None else {"Stripe-Signature": header}
        answer = await shop.gateway.client.post(PATH, content=content, headers=headers)
        is_problem(answer, 401, "webhook-not-genuine")
    assert len(shop.stripe.calls) == calls
    for _ in range(3):  # replayed within its five minutes it is looked at once
        answer = await shop.gateway.client.post(
            PATH, content=body, headers={"Stripe-Signature": right}
        )
        assert (answer.status_code, answer.content) == (200, b"")
    assert len(shop.stripe.calls) == calls + 3
    await shop.shows(one, WELCOME + PACK.credits)
    shop.stripe.post.held.clear()
    await shop.stripe.post.deliver()
    assert len(await of(shop, one, CreditsPurchased)) == 1


async def test_trouble(shop: Shop) -> None:
    """While Stripe does not answer nothing is lost: its message is refused and comes again."""
    one = await shop.customer()
    await shop.paid(one)
    for fault in ("429", "500", "502", "cut", "half"):
        shop.stripe.fail(fault, path="/v1/payment_intents/*")
    await shop.stripe.post.deliver()
    refused = [found for found in shop.stripe.post.delivered if found.status != 200]
    assert {found.status for found in refused} == {503}
    assert shop.stripe.post.given_up == []
    await shop.shows(one, WELCOME + PACK.credits)
    shop.stripe.fail("503", path="/v1/checkout/sessions")
    body = {"pack_id": PACK.id, "provider": "stripe"}
    answer = await one.post("/purchases", json=body, headers={"Idempotency-Key": "b"})
    is_problem(answer, 503, "stripe-unreachable")
    await shop.offered(one, "b")


async def test_after_an_erasure(shop: Shop) -> None:
    """Who pays for an account that they have erased is found, and the books still hold it."""
    one = await shop.customer()
    offer = await shop.offered(one)
    assert (await one.delete("/me")).status_code in {200, 202, 204}
    await shop.world.destroy_key(one)
    shop.stripe.customer.pays(offer["payment_url"])
    await shop.stripe.post.deliver()
    assert shop.stripe.post.given_up == []

    async def told() -> bool:
        return bool(await of(shop, one, CreditsPurchased))

    await until(told, 20, what="the purchase")
    (bought,) = await of(shop, one, CreditsPurchased)
    assert bought.charge_id is None
    (found,) = await of(shop, one, PaymentFinding)
    assert found.kind == "paid-after-erasure"


async def test_not_configured(world: World) -> None:
    """Without keys there is no such webhook, whoever signs."""
    answer = await world.client.post(PATH, content=b"{}")
    is_problem(answer, 404, "stripe-not-configured")
