"""Promotion codes: who redeems them, how often, until when; and whoever tries to have more."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest_asyncio

from events.grants import PromotionClosed, PromotionOpened, PromotionRedeemed
from runtime.waiting import until
from tests.integration.gateway.log import events_about
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.world import Person, World, another_gateway

WHY = "because the test says so"
_codes = itertools.count(1)


async def opened(admin: Person, **changes: Any) -> dict[str, Any]:
    """A new promotion."""
    body = {
        "code": f"CODE-{next(_codes)}-{uuid4().hex[:8].upper()}",
        "credits": 7,
        "redemptions_max": 10,
        "days": 30,
        "credits_days": 90,
        "reason": WHY,
        **changes,
    }
    answer = await admin.post("/admin/promotions", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def redeem(person: Person, code: str) -> Any:
    return await person.post("/promotions/redeem", json={"code": code})


async def grants_of(person: Person, why: str) -> list[dict[str, Any]]:
    credits_now = (await person.get("/credits")).json()
    return [grant for grant in credits_now["grants"] if grant["why"] == why]


async def granted(person: Person, why: str, count: int = 1) -> list[dict[str, Any]]:
    """The account's grants for this reason, once there are so many."""

    async def there() -> list[dict[str, Any]]:
        found = await grants_of(person, why)
        return found if len(found) >= count else []

    return list(await until(there, 30, what=f"{count} grants for {why}"))


@pytest_asyncio.fixture(loop_scope="session")
async def owner(world: World) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(world.database.owner_url)
    yield connection
    await connection.close()


async def test_a_code_gives_credits_that_end(admin: Person, person: Person) -> None:
    """Redeemed, it is a grant with reason and expiry, used before what was there without one."""
    promotion = await opened(admin)
    answer = await redeem(person, f"  {promotion['code'].lower()} ")
    assert answer.status_code == 200, answer.text
    (grant,) = await granted(person, "promotion")
    assert grant["id"] == answer.json()["grant_id"]
    assert (grant["credits"], grant["available"]) == (7, 7)
    assert grant["expires_at"] == answer.json()["expires_at"] > promotion["ends_at"]
    assert (grant["use_order"], grant["promotional"]) == (1, True)


async def test_a_repetition_is_the_same_grant(world: World, admin: Person, person: Person) -> None:
    """Sent again and again, at once too, a code is redeemed once and granted once."""
    promotion = await opened(admin)
    first = await redeem(person, promotion["code"])
    again = await asyncio.gather(*(redeem(person, promotion["code"]) for _ in range(4)))
    assert {one.status_code for one in again} == {200}
    assert all(one.headers["idempotent-replay"] == "true" for one in again)
    assert {one.text for one in again} == {first.text}
    await granted(person, "promotion")
    assert len(await grants_of(person, "promotion")) == 1
    told = [
        one
        for one in await events_about(world, person.account_id)
        if isinstance(one, PromotionRedeemed)
    ]
    assert [one.source_id for one in told] == [first.json()["grant_id"]]
    shown = (await admin.get("/admin/promotions")).json()["items"]
    assert next(one for one in shown if one["id"] == promotion["id"])["redemptions"] == 1


async def test_no_more_people_than_were_agreed(world: World, admin: Person) -> None:
    """Many at once: as many are let in as it says, the others are told that it is over."""
    promotion = await opened(admin, redemptions_max=2)
    people = [await world.person() for _ in range(5)]
    answers = await asyncio.gather(*(redeem(one, promotion["code"]) for one in people))
    assert sorted(one.status_code for one in answers) == [200, 200, 409, 409, 409]
    assert all(one.status_code == 200 or is_problem(one, 409, "promotion-ended") for one in answers)
    shown = (await admin.get("/admin/promotions")).json()["items"]
    assert next(one for one in shown if one["id"] == promotion["id"])["status"] == "all_taken"


async def test_an_erasure_sheds_nothing(world: World, admin: Person) -> None:
    """Who comes back after an erasure has redeemed already what they redeemed."""
    promotion = await opened(admin)
    person = await world.person()
    assert (await redeem(person, promotion["code"])).status_code == 200
    await world.destroy_key(person)
    back = await world.person(telegram_id=person.telegram_id)
    assert back.account_id != person.account_id
    assert is_problem(await redeem(back, promotion["code"]), 409, "promotion-used")
    assert await grants_of(back, "promotion") == []


async def test_an_identity_that_moves_takes_its_redemptions_along(
    world: World, admin: Person, owner: asyncpg.Connection
) -> None:
    """Neither the account that is left nor the one that it moves to redeems again."""
    promotion = await opened(admin)
    person = await world.person()
    assert (await redeem(person, promotion["code"])).status_code == 200
    other = await world.person()
    # As if the first identity had been unlinked from its account and linked to another one.
    await owner.execute(
        "UPDATE identity_marks SET account_id = $2 WHERE account_id = $1",
        person.account_id,
        other.account_id,
    )
    assert is_problem(await redeem(other, promotion["code"]), 409, "promotion-used")
    left = await redeem(person, promotion["code"])
    assert left.headers["idempotent-replay"] == "true"
    shown = (await admin.get("/admin/promotions")).json()["items"]
    assert next(one for one in shown if one["id"] == promotion["id"])["redemptions"] == 1


async def test_what_is_over_is_over(
    admin: Person, person: Person, owner: asyncpg.Connection
) -> None:
    """After its time, and after an admin closed it, nobody redeems a code any more."""
    late, closed = await opened(admin), await opened(admin)
    await owner.execute(
        "UPDATE promotions SET starts_at = now() - interval '2 days', ends_at = now()"
        " WHERE promotion_id = $1",
        late["id"],
    )
    answer = await admin.post(f"/admin/promotions/{closed['id']}/close", json={"reason": WHY})
    assert (answer.status_code, answer.json()["status"]) == (200, "closed")
    for promotion in (late, closed):
        assert is_problem(await redeem(person, promotion["code"]), 409, "promotion-ended")
    assert is_problem(await redeem(person, "NEVER-WAS"), 404, "promotion-unknown")
    assert await grants_of(person, "promotion") == []


async def test_nobody_finds_a_code_by_trying(world: World, admin: Person) -> None:
    """Tries are counted, right or wrong; who tried too many waits."""
    promotion = await opened(admin)
    async with another_gateway(world, limit_codes_per_hour=3) as strict:
        guesser = await world.person()
        guesser.client = strict.client
        for number in range(3):
            answer = await redeem(guesser, f"GUESS-{number}")
            assert is_problem(answer, 404, "promotion-unknown")
        assert is_problem(await redeem(guesser, promotion["code"]), 429, "too-many-requests")


async def test_programs_redeem_nothing(admin: Person, person: Person) -> None:
    """An API key redeems no code: it stands for no person."""
    promotion = await opened(admin)
    key = await person.post(
        "/api-keys", json={"name": "k", "scopes": ["credits:buy", "credits:read"]}
    )
    answer = await person.client.post(
        "/promotions/redeem",
        json={"code": promotion["code"]},
        headers={"Authorization": f"Bearer {key.json()['key']}"},
    )
    assert is_problem(answer, 403, "scope-missing")


async def test_opening_and_closing_are_told(world: World, admin: Person) -> None:
    """Both stand in the log with the admin who did it and why; a code is taken for ever."""
    promotion = await opened(admin)
    taken = await admin.post(
        "/admin/promotions",
        json={
            "code": promotion["code"],
            "credits": 1,
            "redemptions_max": 1,
            "days": 1,
            "credits_days": 1,
            "reason": WHY,
        },
    )
    assert is_problem(taken, 409, "promotion-code-taken")
    for _ in range(2):  # the second time nothing happens
        await admin.post(f"/admin/promotions/{promotion['id']}/close", json={"reason": WHY})
    told = [
        one
        for one in await events_about(world, admin.account_id)
        if getattr(one, "promotion_id", None) == promotion["id"]
    ]
    assert [type(one) for one in told] == [PromotionOpened, PromotionClosed]
    assert {one.actor for one in told} == {admin.account_id}


async def test_a_promotion_gives_no_fortune(admin: Person, person: Person) -> None:
    """More than the settings allow is refused; and only admins open promotions at all."""
    body = {
        "code": "RICH-2026",
        "credits": 1_001,
        "redemptions_max": 1,
        "days": 1,
        "credits_days": 1,
        "reason": WHY,
    }
    assert is_problem(await admin.post("/admin/promotions", json=body), 422, "invalid-request")
    assert is_problem(await person.post("/admin/promotions", json=body), 403, "role-missing")
