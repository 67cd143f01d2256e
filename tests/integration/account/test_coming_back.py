"""Who erases an account and comes back sheds neither a debt nor a ban, and is welcomed once."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from events.accounts import AccountErased
from events.ids import SourceId, derive, fact_id
from events.purchases import CreditsPurchased, PurchaseRefunded
from runtime.waiting import until
from tests.integration.account.eyes import rows, until_finished
from tests.integration.gateway.world import Person, World

PRICE = 10


async def buy(world: World, person: Person) -> SourceId:
    purchase = SourceId(derive("test-purchase", person.account_id))
    event = CreditsPurchased(
        account_id=person.account_id,
        occurred_at_ms=world.clock.now_ms(),
        purchase_id=purchase,
        provider="stars",
        pack_id="starter",
        credits=PRICE,
        amount=50,
        currency="XTR",
    )
    await world.append(event, fact_id(purchase, "purchased"))
    await balance(person, granted=5 + PRICE)
    return purchase


async def charge_back(world: World, person: Person, purchase: SourceId) -> None:
    event = PurchaseRefunded(
        account_id=person.account_id,
        occurred_at_ms=world.clock.now_ms(),
        purchase_id=purchase,
        refund_id="refund",
        reason="chargeback",
    )
    await world.append(event, fact_id(purchase, "refunded"))


async def spend(world: World, person: Person) -> None:
    """All fifteen credits but three."""
    for _ in range(3):
        generation = (await person.ask(count=4)).json()["id"]
        await world.complete(person, generation, count=4)
    await balance(person, available=3, reserved=0)


async def balance(person: Person, **wanted: int) -> None:
    async def is_so() -> bool:
        found = (await person.get("/credits")).json()
        return all(found[name] == value for name, value in wanted.items())

    await until(is_so, 20, what=f"a balance of {wanted}")


async def test_a_debt_is_owed_by_the_next_account(world: World, person: Person) -> None:
    """What was charged back and spent is a debt of the same size after erasing and coming back."""
    purchase = await buy(world, person)
    await spend(world, person)
    await charge_back(world, person, purchase)
    await balance(person, available=0, debt=7)
    await person.delete("/me")
    again = await world.person(telegram_id=person.telegram_id)
    assert again.account_id != person.account_id
    await balance(again, available=0, debt=7)
    await until_finished(world, person.account_id)
    await balance(again, debt=7)
    owes = "SELECT owes FROM identity_marks WHERE account_id = $1"
    assert (await rows(world, owes, UUID(again.account_id)))[0]["owes"] == 0


async def test_a_charge_back_after_the_erasure_finds_its_person(
    world: World, person: Person
) -> None:
    """Threat 30: erasing first and charging back then only makes the new account owe it."""
    purchase = await buy(world, person)
    await spend(world, person)
    await person.delete("/me")
    again = await world.person(telegram_id=person.telegram_id)
    await until_finished(world, person.account_id)
    await charge_back(world, person, purchase)
    await balance(again, available=0, debt=10)


async def test_a_ban_is_not_shed(world: World, person: Person) -> None:
    """An erased account's ban is its person's: no new account is made."""
    connection = await asyncpg.connect(world.database.owner_url)
    try:
        await connection.execute(
            "UPDATE identity_marks SET banned = true WHERE account_id = $1",
            UUID(person.account_id),
        )
    finally:
        await connection.close()
    event = AccountErased(
        account_id=person.account_id, occurred_at_ms=world.clock.now_ms(), reason="operator"
    )
    await world.append(event, fact_id(person.account_id, "erased"))
    await until_finished(world, person.account_id)
    body = {"init_data": world.init_data(person.telegram_id)}
    answer = await world.client.post("/auth/login", json=body)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (
        403,
        "account-banned",
    )
