"""Stars that are given back: by their owner, by an admin, by Telegram (threat 30)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from commands.catalogue import PACKS_BY_ID
from events.admin import RefundOrdered
from events.purchases import CreditsPurchased, PurchaseRefunded
from tests.fakes.telegram import Charge
from tests.integration.gateway.log import events_about, kinds_about
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.stars import Customer, Shop, a_shop
from tests.integration.gateway.world import Person, World

WELCOME = 5
STARTER = PACKS_BY_ID["starter"]
REASON = {"reason": "double charge, ticket 7"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(world: World) -> AsyncIterator[Shop]:
    async with a_shop(world) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def ada(shop: Shop) -> AsyncIterator[Customer]:
    yield await shop.customer()
    shop.telegram.assert_clean()


async def path_of(ada: Customer, charge: Charge) -> str:
    """Where the owner gives a purchase back, once it was granted."""
    return f"/purchases/{(await ada.purchase(charge))['id']}/refund"


async def by_admin(shop: Shop, admin: Person, ada: Customer, charge: Charge) -> str:
    """Where an admin does."""
    return f"/admin/accounts/{ada.person.account_id}{await path_of(ada, charge)}"


async def spend(ada: Customer, shop: Shop) -> None:
    """Use one credit of the purchase, after those of the welcome."""
    for count in (4, 2):
        answer = await ada.person.ask(count=count)
        assert answer.status_code == 202, answer.text
        await shop.world.complete(ada.person, answer.json()["id"], count)
    await ada.has(available=WELCOME + STARTER.credits - 6)


async def test_owner(shop: Shop, ada: Customer) -> None:
    """Who has used nothing gets the Stars back, once; the credits leave."""
    charge = await ada.buys()
    path = await path_of(ada, charge)
    for _ in range(2):
        answer = await ada.person.post(path)
        assert (answer.status_code, answer.json()["status"]) == (200, "refunded"), answer.text
    await shop.telegram.delivered()
    assert charge.is_refunded
    assert len(shop.telegram.calls_of("refundStarPayment")) == 1
    await ada.has(available=WELCOME, debt=0)
    assert (await kinds_about(shop.world, ada.person.account_id)).count("CreditsRevoked") == 1


async def test_only_the_owner(shop: Shop, ada: Customer) -> None:
    """To anybody else a purchase does not exist."""
    charge = await ada.buys()
    bob = await shop.customer()
    is_problem(await bob.person.post(await path_of(ada, charge)), 404, "not-found")
    assert not charge.is_refunded


async def test_30_spent(shop: Shop, ada: Customer) -> None:
    """Threat 30: who has used credits of a purchase cannot give it back alone."""
    charge = await ada.buys()
    path = await path_of(ada, charge)
    await spend(ada, shop)
    is_problem(await ada.person.post(path), 409, "refund-spent")
    assert not charge.is_refunded
    assert len(await ada.told()) == 1


async def test_30_debt(shop: Shop, ada: Customer, admin: Person) -> None:
    """Threat 30: where an admin gives back what was spent, a debt stays, and what comes pays it."""
    charge = await ada.buys()
    path = await by_admin(shop, admin, ada, charge)
    await spend(ada, shop)
    answer = await shop.gateway.client.post(path, json=REASON, headers=admin.authorization)
    assert (answer.status_code, answer.json()["status"]) == (200, "refunded"), answer.text
    await shop.telegram.delivered()
    await ada.has(available=0, debt=1)
    told = await events_about(shop.world, ada.person.account_id)
    (ordered,) = [one for one in told if isinstance(one, RefundOrdered)]
    assert ordered.actor == admin.account_id
    assert REASON["reason"] not in str(ordered)
    refunds = {one.refund_id for one in told if isinstance(one, PurchaseRefunded)}
    assert len(refunds) == 1
    await ada.buys()
    await ada.has(available=STARTER.credits - 1, debt=0)


async def test_admins_only(shop: Shop, ada: Customer, admin: Person) -> None:
    """Only an admin gives back what is somebody else's, or sees that it is there."""
    charge = await ada.buys()
    path = await by_admin(shop, admin, ada, charge)
    bob = await shop.customer()
    is_problem(await bob.person.post(path, json=REASON), 403, "role-missing")
    listed = f"/admin/accounts/{ada.person.account_id}/purchases"
    is_problem(await bob.person.get(listed), 403, "role-missing")
    assert not charge.is_refunded


async def test_already_refunded(shop: Shop, ada: Customer) -> None:
    """Stars that Telegram gave back before are given back: that counts as done."""
    charge = await ada.buys()
    path = await path_of(ada, charge)
    charge.is_refunded = True  # and no update told of it
    answer = await ada.person.post(path)
    assert (answer.status_code, answer.json()["status"]) == (200, "refunded"), answer.text
    await ada.has(available=WELCOME)


async def test_told_by_telegram(shop: Shop, ada: Customer) -> None:
    """Stars that went back without us are told by an update; the credits leave."""
    charge = await ada.buys()
    await ada.purchase(charge)
    await shop.refund_elsewhere(charge)
    await ada.purchase(charge, "refunded")
    await ada.has(available=WELCOME)


async def test_lost_answer(shop: Shop, ada: Customer) -> None:
    """A refund whose answer was lost is asked for again and happens once."""
    charge = await ada.buys()
    path = await path_of(ada, charge)
    shop.telegram.updates.delivery.is_held = True
    shop.telegram.faults["refundStarPayment"] = ["lost"]
    is_problem(await ada.person.post(path), 503, "telegram-unreachable")
    answer = await ada.person.post(path)
    shop.telegram.updates.release()
    assert (answer.status_code, answer.json()["status"]) == (200, "refunded"), answer.text
    await shop.telegram.delivered()
    await ada.has(available=WELCOME, debt=0)


async def test_subscription(shop: Shop, ada: Customer) -> None:
    """A monthly pack that is given back is not renewed."""
    charge = await ada.buys("monthly")
    assert (await ada.person.post(await path_of(ada, charge))).status_code == 200
    assert charge.is_canceled


async def test_too_late(world: World) -> None:
    """After the days that the settings name, only an admin gives back."""
    async with a_shop(world, refund_days=0) as shop:
        ada = await shop.customer()
        charge = await ada.buys()
        is_problem(await ada.person.post(await path_of(ada, charge)), 409, "refund-too-late")
        assert not charge.is_refunded


async def test_local(shop: Shop, ada: Customer) -> None:
    """What nobody paid for is given back without anybody's help."""
    headers = {"Idempotency-Key": "local-purchase-1"}
    body = {"pack_id": "starter", "provider": "local"}
    bought = await ada.person.post("/purchases", json=body, headers=headers)
    assert bought.status_code == 201, bought.text
    (told,) = await ada.told()
    assert isinstance(told, CreditsPurchased)
    await ada.has(available=WELCOME + STARTER.credits)
    answer = await ada.person.post(f"/purchases/{bought.json()['id']}/refund")
    assert (answer.status_code, answer.json()["status"]) == (200, "refunded"), answer.text
    await ada.has(available=WELCOME)
