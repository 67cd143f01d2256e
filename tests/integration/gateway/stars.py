"""A gateway whose bot lives with the double of Telegram, for tests of payments in Stars."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx

from events.codec import Event
from events.purchases import (
    UNKNOWN_ACCOUNT,
    CreditsPurchased,
    PaymentFinding,
    PurchaseRefunded,
)
from gateway.telegram.payments import purchase_id_of
from runtime.waiting import until
from tests.fakes import telegram as doubles
from tests.fakes.telegram import Charge, Telegram
from tests.fakes.telegram.updates import Webhook
from tests.integration.gateway.log import events_about
from tests.integration.gateway.world import ADMIN, Gateway, Person, World, another_gateway

SECRET = "Stars_secret-2026"
MONEY = (CreditsPurchased, PurchaseRefunded, PaymentFinding)


class Shop:
    """A gateway, its bot's Telegram, and those who buy."""

    def __init__(self, world: World, gateway: Gateway, telegram: Telegram) -> None:
        self.world = world
        self.gateway = gateway
        self.telegram = telegram

    async def customer(self) -> Customer:
        """Somebody who has signed in, and started the bot."""
        person = await self.world.person()
        chat = self.telegram.person("Ada", user_id=person.telegram_id)
        chat.chat.is_started = True
        return Customer(self, person, chat)

    async def refund_elsewhere(self, charge: Charge) -> None:
        """Give Stars back without the gateway, as somebody with the bot's token can."""
        url = f"{self.telegram.base_url}/bot{self.telegram.token}/refundStarPayment"
        call = {"user_id": charge.user_id, "telegram_payment_charge_id": charge.id}
        async with httpx.AsyncClient() as client:
            assert (await client.post(url, json=call)).status_code == 200

    async def findings(self, charge: Charge) -> list[str]:
        """What the log found of a payment that is nobody's."""
        return [
            one.kind
            for one in await events_about(self.world, UNKNOWN_ACCOUNT)
            if isinstance(one, PaymentFinding) and one.purchase_id == purchase_id_of(charge.id)
        ]

    async def tell(self, update: Any) -> httpx.Response:
        """Bring an update as Telegram would."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        return await self.gateway.client.post("/telegram/webhook", json=update, headers=headers)


class Customer:
    """Somebody who buys: signed in at the world, and at home in the double of Telegram."""

    def __init__(self, shop: Shop, person: Person, chat: doubles.Person) -> None:
        self.shop = shop
        self.person = person
        self.chat = chat
        person.client = shop.gateway.client

    async def asks(self, pack_id: str = "starter", **rest: Any) -> httpx.Response:
        """POST /purchases, for Stars."""
        return await self.person.post(
            "/purchases",
            json={"pack_id": pack_id, "provider": "stars", **rest},
            headers={"Idempotency-Key": str(uuid4())},
        )

    async def link(self, pack_id: str = "starter") -> str:
        """Where to pay for a pack."""
        answer = await self.asks(pack_id)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["payment_url"])

    async def buys(self, pack_id: str = "starter") -> Charge:
        """Ask and pay; the payment is taken when this returns."""
        charge = await self.chat.pays(await self.link(pack_id))
        await self.shop.telegram.delivered()
        return charge

    async def is_gone(self) -> bool:
        """Whether the account is refused as erased."""
        return (await self.person.get("/me")).status_code == 401

    async def told(self) -> list[Event]:
        """What the log holds of this account's payments."""
        found = await events_about(self.shop.world, self.person.account_id)
        return [one for one in found if isinstance(one, MONEY)]

    async def credits(self) -> dict[str, int]:
        """The balance."""
        answer = (await self.person.get("/credits")).json()
        return {name: answer[name] for name in ("available", "debt", "granted")}

    async def has(self, **expected: int) -> None:
        """Wait until the balance is so."""

        async def so() -> bool:
            return (await self.credits()).items() >= expected.items()

        await until(so, 20, what=f"a balance of {expected}")

    async def purchase(self, charge: Charge, status: str = "granted") -> dict[str, Any]:
        """The purchase of a payment, once it stands so."""
        wanted = purchase_id_of(charge.id)

        async def found() -> dict[str, Any] | None:
            items = (await self.person.get("/purchases")).json()["items"]
            return next(
                (one for one in items if (one["id"], one["status"]) == (wanted, status)), None
            )

        purchase = await until(found, 20, what=f"a purchase that is {status}")
        assert purchase is not None
        return purchase


@asynccontextmanager
async def a_shop(world: World, **changes: Any) -> AsyncIterator[Shop]:
    """Open one."""
    async with Telegram(token=str(world.settings.telegram_bot_token)) as telegram:
        changes |= {"admins": f"telegram:{ADMIN}"}
        changes |= {"telegram_api_base": telegram.base_url, "telegram_webhook_secret": SECRET}
        async with another_gateway(world, **changes) as gateway:
            url = f"http://127.0.0.1:{gateway.port}/telegram/webhook"
            telegram.updates.set_webhook(Webhook(url, SECRET))
            yield Shop(world, gateway, telegram)
