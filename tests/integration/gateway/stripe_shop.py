"""A gateway that sells by Stripe, and what happens at Stripe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx

from commands.catalogue import PACKS_BY_ID
from runtime.waiting import until
from tests.fakes import stripe as fakes
from tests.integration.gateway.log import events_about
from tests.integration.gateway.proving import new_telegram_id, signed_in, widget
from tests.integration.gateway.world import Gateway, Person, World, another_gateway

PATH = "/stripe/webhook"
PACK = PACKS_BY_ID["regular"]
WELCOME = 5


class Shop(NamedTuple):
    """A gateway that sells by Stripe, and Stripe."""

    world: World
    gateway: Gateway
    stripe: fakes.Stripe

    async def customer(self) -> Person:
        """Somebody in a browser, outside of Telegram."""
        proof = widget(self.world, new_telegram_id())
        one = await signed_in(self.gateway.client, login_widget=proof)
        await self.shows(one, WELCOME)
        return one

    async def offered(self, one: Person, key: str = "k", **body: Any) -> dict[str, Any]:
        body = {"pack_id": PACK.id, "provider": "stripe"} | body
        answer = await one.post("/purchases", json=body, headers={"Idempotency-Key": key})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def paid(self, one: Person, key: str = "k") -> fakes.Payment:
        offer = await self.offered(one, key)
        return self.stripe.customer.pays(offer["payment_url"])

    async def shows(self, one: Person, available: int, debt: int = 0) -> None:
        """Wait until the balance is that."""

        async def shown() -> bool:
            now = (await one.get("/credits")).json()
            return bool((now["available"], now["debt"]) == (available, debt))

        await until(shown, 20, what=f"{available} credits and {debt} of debt")


@asynccontextmanager
async def selling(world: World) -> AsyncIterator[Shop]:
    async with fakes.Stripe() as stripe:
        endpoint = stripe.post.add_endpoint("http://127.0.0.1:1/")
        async with another_gateway(
            world,
            stripe_secret_key=fakes.API_KEY,
            stripe_api_base=stripe.base_url,
            stripe_webhook_secret=endpoint.secrets[0],
        ) as gateway:
            endpoint.url = f"http://127.0.0.1:{gateway.port}{PATH}"
            yield Shop(world, gateway, stripe)


async def of(shop: Shop, one: Person, *kinds: type) -> list[Any]:
    """What the log holds of somebody, the same fact once, in order."""
    found: dict[str, Any] = {}
    for event in await events_about(shop.world, one.account_id):
        if isinstance(event, kinds):
            about = getattr(event, "purchase_id", None) or getattr(event, "source_id", "")
            found.setdefault(f"{type(event).__name__} {about}", event)
    return list(found.values())


async def refunded(client: httpx.AsyncClient, payment: fakes.Payment) -> dict[str, Any]:
    """As an operator does in Stripe's dashboard."""
    answer = await client.post(
        "/v1/refunds",
        data={"charge": payment.charge["id"]},
        headers={"Authorization": f"Bearer {fakes.API_KEY}"},
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def elsewhere(shop: Shop, metadata: dict[str, str], cents: int = 0) -> fakes.Payment:
    """A payment on a page that we did not make."""
    form = {
        "mode": "payment",
        "success_url": "https://elsewhere.example/",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": str(cents or PACK.usd_cents),
        "line_items[0][price_data][product_data][name]": "Something",
        "line_items[0][quantity]": "1",
    } | {f"payment_intent_data[metadata][{name}]": value for name, value in metadata.items()}
    async with httpx.AsyncClient(base_url=shop.stripe.base_url) as client:
        answer = await client.post(
            "/v1/checkout/sessions",
            data=form,
            headers={"Authorization": f"Bearer {fakes.API_KEY}"},
        )
    assert answer.status_code == 200, answer.text
    return shop.stripe.customer.pays(answer.json()["url"])
