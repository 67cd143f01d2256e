"""The double tells of events as Stripe does: signed, repeated, shuffled, late."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import httpx

from runtime.waiting import until
from tests.fakes.stripe import Stripe
from tests.unit.fakes.stripe.calls import REFUNDS, Shop, paid, signers


async def test_signatures(stripe: Stripe, client: httpx.AsyncClient, shop: Shop) -> None:
    """Events are signed with each live secret, at the time of the attempt or at an old one."""
    endpoint = stripe.post.add_endpoint(shop.url, ("checkout.session.completed",))
    old = endpoint.secrets[0]
    await paid(stripe, client)
    await stripe.post.deliver(signed_seconds_ago=301)
    new = endpoint.roll()
    await paid(stripe, client)
    await stripe.post.deliver()
    endpoint.forget_old_secrets()
    await paid(stripe, client)
    await stripe.post.deliver()
    found = [signers(body, header, [old, new, "whsec_other"]) for body, header in shop.got]
    assert found == [[True, False, False], [True, True, False], [False, True, False]]
    assert shop.got[0][1].startswith(f"t={stripe.books.now() - 301},")
    assert shop.got[1][1].startswith(f"t={stripe.books.now()},")


async def test_deliveries(stripe: Stripe, client: httpx.AsyncClient, shop: Shop) -> None:
    """Events come 1 to 5 times, shuffled, again until they are taken; held ones come later."""
    stripe.post.add_endpoint(shop.url)
    for _ in range(4):
        await paid(stripe, client)
    happened = list(stripe.books.held["events"])
    stripe.post.held.add("checkout.session.completed")
    shop.answers = [500, 302, 429]
    await stripe.post.deliver(rng=random.Random(3), times_max=5)
    assert stripe.post.due == ["checkout.session.completed"] * 4
    stripe.post.held.clear()
    await stripe.post.deliver(rng=random.Random(4), times_max=5)
    counted = Counter(shop.ids())
    assert set(counted) == set(happened)
    assert max(counted.values()) > 1
    assert list(dict.fromkeys(shop.ids())) != happened
    assert Counter(one.status for one in stripe.post.delivered if one.status != 200) == {
        500: 1,
        302: 1,
        429: 1,
    }
    undone = {"delivery_success": "false"}
    assert (await client.get("/v1/events", params=undone)).json()["data"] == []
    stripe.post.again(happened[0])
    await stripe.post.deliver()
    assert Counter(shop.ids())[happened[0]] == counted[happened[0]] + 1


async def test_at_the_same_time(stripe: Stripe, client: httpx.AsyncClient, shop: Shop) -> None:
    """Deliveries run beside each other where that is asked for."""
    stripe.post.add_endpoint(shop.url, ("checkout.session.completed",))
    for _ in range(3):
        await paid(stripe, client)
    shop.gate = asyncio.Event()
    sending = asyncio.create_task(stripe.post.deliver(at_once=3))
    await until(lambda: len(shop.got) == 3, 10, what="three requests at once")
    shop.gate.set()
    await sending
    assert [one.status for one in stripe.post.delivered] == [200] * 3


async def test_never_taken(stripe: Stripe, client: httpx.AsyncClient, shop: Shop) -> None:
    """An endpoint that never says 2xx (a redirect is none) is given up on."""
    stripe.post.add_endpoint(shop.url, ("charge.succeeded",), api_version="2025-09-30.clover")
    charge = await paid(stripe, client)
    shop.answers = [503, 302, 400]
    await stripe.post.deliver(attempts_max=3)
    undone = (await client.get("/v1/events", params={"delivery_success": "false"})).json()["data"]
    assert [one["id"] for one in undone] == stripe.post.given_up == shop.ids()[:1]
    assert undone[0]["data"]["object"]["id"] == charge["id"]
    assert b'"api_version": "2025-09-30.clover"' in shop.got[0][0]


async def test_who_caused_it(stripe: Stripe, client: httpx.AsyncClient) -> None:
    """An event names the call and the key that caused it; one by a person names none."""
    charge = await paid(stripe, client)
    key = {"Idempotency-Key": "refund-1"}
    answer = await client.post(REFUNDS, data={"charge": charge["id"]}, headers=key)
    events = (await client.get("/v1/events")).json()["data"]
    assert events[0]["request"] == {
        "id": answer.headers["Request-Id"],
        "idempotency_key": "refund-1",
    }
    assert events[-1]["request"] == {"id": None, "idempotency_key": None}
    assert events[0]["data"]["previous_attributes"] == {"amount_refunded": 0, "refunded": False}
