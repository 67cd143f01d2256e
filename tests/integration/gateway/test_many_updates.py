"""Many updates at once: none is lost, and none counts twice.

The long form is `python -m benchmarks --only updates`: 100,000 of them, at full speed.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from commands.catalogue import PACKS_BY_ID
from events.purchases import CreditsPurchased
from gateway.telegram.payments import purchase_id_of
from tests.integration.gateway.stars import Customer, Shop, a_shop
from tests.integration.gateway.world import World

WELCOME = 5
STARTER = PACKS_BY_ID["starter"]
CUSTOMERS = 4
PAYMENTS_EACH = 250
COPIES_MAX = 3
AT_ONCE = 100
DATE = 1_767_225_600


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(world: World) -> AsyncIterator[Shop]:
    async with a_shop(world) as one:
        yield one


def update(number: int, customer: Customer, payload: str) -> dict[str, Any]:
    """A payment, each with a charge of its own."""
    user = {"id": customer.chat.id, "is_bot": False, "first_name": "Ada"}
    return {
        "update_id": 500_000 + number,
        "message": {
            "message_id": number,
            "from": user,
            "chat": {"id": customer.chat.id, "type": "private"},
            "date": DATE,
            "successful_payment": {
                "currency": "XTR",
                "total_amount": STARTER.stars,
                "invoice_payload": payload,
                "telegram_payment_charge_id": charge(number),
                "provider_payment_charge_id": "",
            },
        },
    }


def charge(number: int) -> str:
    return f"stx-many-{number}"


async def test_none_lost_none_twice(shop: Shop) -> None:
    """A thousand payments, told one to three times each in any order, a hundred at once."""
    chance = random.Random(5)
    customers = [await shop.customer() for _ in range(CUSTOMERS)]
    invoices = shop.telegram.world.invoices
    payloads = [invoices[await one.link()].payload for one in customers]
    numbers = itertools.count()
    updates = [
        update(next(numbers), customer, payload)
        for customer, payload in zip(customers, payloads, strict=True)
        for _ in range(PAYMENTS_EACH)
    ]
    waiting = [one for one in updates for _ in range(chance.randint(1, COPIES_MAX))]
    chance.shuffle(waiting)

    async def deliver() -> None:
        while waiting:
            answer = await shop.tell(waiting.pop())
            assert answer.status_code == 200, answer.text

    await asyncio.gather(*(deliver() for _ in range(AT_ONCE)))
    for place, customer in enumerate(customers):
        first = place * PAYMENTS_EACH
        wanted = {purchase_id_of(charge(first + number)) for number in range(PAYMENTS_EACH)}
        told = Counter(
            one.purchase_id for one in await customer.told() if isinstance(one, CreditsPurchased)
        )
        assert told.keys() == wanted
        await customer.has(available=WELCOME + PAYMENTS_EACH * STARTER.credits, debt=0)
