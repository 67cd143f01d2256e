"""Keys make calls once, whatever trouble the double makes."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from runtime.waiting import until
from tests.fakes.stripe import Stripe
from tests.unit.fakes.stripe.calls import REFUNDS, SESSION, SESSIONS, paid, told


async def test_idempotency(stripe: Stripe, client: httpx.AsyncClient) -> None:
    """A key gives its first answer again, refuses other parameters, and is forgotten in a day."""
    key = {"Idempotency-Key": "k1"}
    first = await client.post(SESSIONS, data=SESSION, headers=key)
    again = await client.post(SESSIONS, data=SESSION, headers=key)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"]
    assert "Idempotent-Replayed" not in first.headers
    more = await client.post(SESSIONS, data=SESSION | {"locale": "ru"}, headers=key)
    elsewhere = await client.post(REFUNDS, data=SESSION, headers=key)
    too_long = await client.post(SESSIONS, data=SESSION, headers={"Idempotency-Key": "k" * 256})
    for answer in (more, elsewhere, too_long):
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "idempotency_error"
    stripe.clock.advance(86_401)
    assert (await client.post(SESSIONS, data=SESSION, headers=key)).json() != first.json()
    assert [call.replayed for call in stripe.calls[:2]] == [False, True]


async def test_what_keys_remember(stripe: Stripe, client: httpx.AsyncClient) -> None:
    """Refusals by the books and 500s are remembered, wrong parameters and rate limits are not."""
    charge = await paid(stripe, client)
    key = {"Idempotency-Key": "wrong"}
    await client.post(SESSIONS, data=SESSION | {"mode": "x"}, headers=key)
    stripe.fail("429")
    limited = await client.post(SESSIONS, data=SESSION, headers=key)
    assert told(limited) == (429, "rate_limit", None)
    assert (await client.post(SESSIONS, data=SESSION, headers=key)).status_code == 200
    over, key = {"charge": charge["id"], "amount": "500"}, {"Idempotency-Key": "over"}
    for _ in range(2):
        assert told(await client.post(REFUNDS, data=over, headers=key))[2] == "amount"
    assert stripe.calls[-1].replayed
    for fault, name, count in (("500", "a", 0), ("500 done", "b", 1)):
        stripe.fail(fault)
        key, some = {"Idempotency-Key": name}, {"charge": charge["id"], "amount": "1"}
        for _ in range(2):
            answer = await client.post(REFUNDS, data=some, headers=key)
            assert answer.status_code == 500
            assert answer.headers["Stripe-Should-Retry"] == "false"
        assert len(stripe.books.held["refunds"]) == count


@pytest.mark.parametrize(
    ("fault", "done"),
    [("cut", False), ("lost", True), ("half", True), ("502", False), ("503", False)],
)
async def test_lost_answers(
    stripe: Stripe, client: httpx.AsyncClient, fault: str, done: bool
) -> None:
    """Whether or not the work was done, the same key makes it exactly once."""
    stripe.fail(fault, path="/v1/checkout/*")
    key = {"Idempotency-Key": "k"}
    if fault.startswith("50"):
        assert (await client.post(SESSIONS, data=SESSION, headers=key)).status_code == int(fault)
    else:
        with pytest.raises(httpx.TransportError):
            await client.post(SESSIONS, data=SESSION, headers=key)
    assert len(stripe.books.held["sessions"]) == done
    again = await client.post(SESSIONS, data=SESSION, headers=key)
    assert again.status_code == 200
    assert stripe.calls[-1].replayed is done
    assert list(stripe.books.held["sessions"]) == [again.json()["id"]]


async def test_key_in_use(stripe: Stripe, client: httpx.AsyncClient) -> None:
    """While a key's first request is under way, a second one is 409."""
    stripe.fail("hang")
    key = {"Idempotency-Key": "k"}
    first = asyncio.create_task(client.post(SESSIONS, data=SESSION, headers=key))
    await until(lambda: bool(stripe.books.held["sessions"]), 10, what="the first request")
    second = await client.post(SESSIONS, data=SESSION, headers=key)
    assert second.status_code == 409
    assert second.json()["error"]["code"] == "idempotency_key_in_use"
    stripe.gate.set()
    assert (await first).status_code == 200


async def test_rate_limit(stripe: Stripe, client: httpx.AsyncClient) -> None:
    """More calls in a second than allowed are 429, and the next second is free again."""
    stripe.per_second_max = 3
    statuses = [(await client.get("/v1/events")).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    stripe.clock.advance(1)
    assert (await client.get("/v1/events")).status_code == 200
    stripe.fail("429 lock")
    assert told(await client.get("/v1/events")) == (429, "lock_timeout", None)
