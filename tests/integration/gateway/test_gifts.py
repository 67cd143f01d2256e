"""Gifts: they leave once, one person receives them, and what nobody receives comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest_asyncio

from events.gifts import GiftClaimed, GiftOffered, GiftTaken, GiftUnclaimed
from runtime.waiting import until
from tests.integration.gateway.log import events_about
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.test_promotions import granted, grants_of
from tests.integration.gateway.world import Person, World, another_gateway


@pytest_asyncio.fixture(loop_scope="session")
async def owner(world: World) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(world.database.owner_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def giver(world: World) -> Person:
    """Somebody with ten credits that were bought, beside the welcome."""
    person = await world.person()
    answer = await person.post(
        "/purchases", json={"pack_id": "starter"}, headers={"Idempotency-Key": "first"}
    )
    assert answer.status_code == 201, answer.text
    await granted(person, "purchase")
    return person


async def give(person: Person, credits_given: int, key: str = "") -> Any:
    return await person.post(
        "/gifts",
        json={"credits": credits_given},
        headers={"Idempotency-Key": key or uuid4().hex},
    )


async def claim(person: Person, code: str) -> Any:
    return await person.post("/gifts/claim", json={"code": code})


async def bought(person: Person) -> int:
    """What is left of what was bought."""
    return sum(grant["available"] for grant in await grants_of(person, "purchase"))


async def is_returned(person: Person, gift_id: str) -> bool:
    items = (await person.get("/gifts")).json()["items"]
    return any(one["id"] == gift_id and one["status"] == "returned" for one in items)


async def between(owner: asyncpg.Connection, *people: Person) -> int:
    """What the double entry says is between these people."""
    rows = await owner.fetch(
        "SELECT postings::text FROM read.ledger WHERE account_id = ANY($1::uuid[])",
        [person.account_id for person in people],
    )
    postings = [one for row in rows for one in json.loads(row["postings"])]
    return sum(moved for account, moved in postings if account == "world:gift")


async def booked(owner: asyncpg.Connection, *people: Person, number: int) -> None:
    """Wait until that many are between them in the books, which follow the log."""

    async def agrees() -> bool:
        return await between(owner, *people) == number

    await until(agrees, 30, what=f"{number} credits to be between them")


async def test_a_gift_reaches_its_receiver(
    world: World, giver: Person, person: Person, owner: asyncpg.Connection
) -> None:
    """The credits leave at once, come with the end that they had, and the books sum to zero."""
    gift = await give(giver, 4)
    assert gift.status_code == 201, gift.text
    shown = gift.json()
    assert (shown["status"], await bought(giver)) == ("open", 6)
    await booked(owner, giver, person, number=4)
    got = await claim(person, shown["start_parameter"])
    assert got.status_code == 200, got.text
    assert got.json()["parts"] == [{"credits": 4, "expires_at": None}]
    (grant,) = await granted(person, "gift")
    assert (grant["credits"], grant["expires_at"], grant["promotional"]) == (4, None, True)
    (told,) = (await giver.get("/gifts")).json()["items"]
    assert (told["status"], told["start_parameter"]) == ("received", None)
    await booked(owner, giver, person, number=0)
    # Neither side's facts say who the other one is.
    about = [
        one
        for account in (giver, person)
        for one in await events_about(world, account.account_id)
        if isinstance(one, GiftOffered | GiftTaken | GiftClaimed)
    ]
    assert len(about) == 3
    for one in about:
        other = person if one.account_id == giver.account_id else giver
        assert other.account_id not in repr(one)


async def test_one_person_receives_a_gift(
    world: World, giver: Person, owner: asyncpg.Connection
) -> None:
    """Many at once: one has it, again and again; for the others it is taken."""
    code = (await give(giver, 3)).json()["start_parameter"]
    people = [await world.person() for _ in range(5)]
    answers = await asyncio.gather(*(claim(one, code) for one in people))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409, 409]
    lucky = next(
        one for one, answer in zip(people, answers, strict=True) if answer.status_code == 200
    )
    again = await claim(lucky, code)
    assert (again.status_code, again.headers["idempotent-replay"]) == (200, "true")
    for one, answer in zip(people, answers, strict=True):
        if one is not lucky:
            assert is_problem(answer, 409, "gift-taken")
    await granted(lucky, "gift")
    await booked(owner, giver, *people, number=0)


async def test_a_repetition_gives_nothing_more(giver: Person) -> None:
    """The same key is the same gift, at once too; with another amount it is refused."""
    answers = await asyncio.gather(*(give(giver, 2, "once") for _ in range(4)))
    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["id"] for one in answers}) == 1
    assert is_problem(await give(giver, 3, "once"), 422, "idempotency-key-reused")
    assert await bought(giver) == 8


async def test_only_what_was_bought_is_given(person: Person, giver: Person) -> None:
    """Neither the welcome credits nor a gift that was received are given on."""
    assert is_problem(await give(person, 1), 402, "insufficient-credits")
    await claim(person, (await give(giver, 5)).json()["start_parameter"])
    await granted(person, "gift")
    assert is_problem(await give(person, 1), 402, "insufficient-credits")
    assert {one["status"] for one in (await person.get("/gifts")).json()["items"]} == {"refused"}


async def test_a_gift_is_not_sent_to_oneself(giver: Person) -> None:
    """The giver's own account does not receive it."""
    code = (await give(giver, 1)).json()["start_parameter"]
    assert is_problem(await claim(giver, code), 409, "gift-own")


async def test_what_nobody_receives_comes_back(
    world: World, giver: Person, person: Person, owner: asyncpg.Connection
) -> None:
    """After its time nobody receives it, and its credits are where they came from."""
    gift = (await give(giver, 4)).json()
    await owner.execute("UPDATE gifts SET expires_at = now() WHERE gift_id = $1", gift["id"])
    assert is_problem(await claim(person, gift["start_parameter"]), 409, "gift-over")
    await until(lambda: is_returned(giver, gift["id"]), 30, what="the return")
    assert await bought(giver) == 10
    await booked(owner, giver, person, number=0)
    told = await events_about(world, giver.account_id)
    assert [one.reason for one in told if isinstance(one, GiftUnclaimed)] == ["expired"]


async def test_a_giver_takes_back_what_nobody_has(
    giver: Person, person: Person, owner: asyncpg.Connection
) -> None:
    """Taken back it comes back, at once; received, it is too late."""
    first, second = (await give(giver, 4)).json(), (await give(giver, 2)).json()
    answers = [await giver.post(f"/gifts/{first['id']}/take-back") for _ in range(2)]
    assert {one.status_code for one in answers} == {200}
    await until(lambda: is_returned(giver, first["id"]), 30, what="the return")
    assert is_problem(await claim(person, first["start_parameter"]), 409, "gift-over")
    assert (await claim(person, second["start_parameter"])).status_code == 200
    late = await giver.post(f"/gifts/{second['id']}/take-back")
    assert is_problem(late, 409, "gift-taken")
    assert is_problem(await person.post(f"/gifts/{second['id']}/take-back"), 404, "not-found")
    await granted(person, "gift")
    assert await bought(giver) == 8
    await booked(owner, giver, person, number=0)


async def test_taking_back_and_receiving_at_once(
    world: World, giver: Person, owner: asyncpg.Connection
) -> None:
    """Whoever is first has it; never both, never nobody."""
    receivers: list[Person] = []
    for _ in range(3):
        receiver = await world.person()
        receivers.append(receiver)
        gift = (await give(giver, 1)).json()
        got, back = await asyncio.gather(
            claim(receiver, gift["start_parameter"]), giver.post(f"/gifts/{gift['id']}/take-back")
        )
        assert (got.status_code, back.status_code) in {(200, 409), (409, 200)}
        if got.status_code == 200:
            await granted(receiver, "gift")
        else:
            await until(lambda one=gift["id"]: is_returned(giver, one), 30, what="the return")
        await booked(owner, giver, *receivers, number=0)


async def test_a_gateway_that_dies_before_it_tells(
    giver: Person, person: Person, owner: asyncpg.Connection
) -> None:
    """What was decided in PostgreSQL and not told is told by the next one, and counts once."""
    gift = (await give(giver, 2)).json()
    assert (await claim(person, gift["start_parameter"])).status_code == 200
    await granted(person, "gift")
    await owner.execute("UPDATE gifts SET told_at = NULL WHERE gift_id = $1", gift["id"])

    async def told() -> bool:
        return bool(
            await owner.fetchval("SELECT told_at FROM gifts WHERE gift_id = $1", gift["id"])
        )

    await until(told, 30, what="the second telling")
    assert [one["credits"] for one in await grants_of(person, "gift")] == [2]


async def test_a_banned_giver_s_gifts_are_over(
    giver: Person, person: Person, owner: asyncpg.Connection
) -> None:
    """What a blocked account gave away before is received by nobody any more."""
    gift = (await give(giver, 2)).json()
    await owner.execute(
        "UPDATE identity_marks SET banned = true WHERE account_id = $1", giver.account_id
    )
    assert is_problem(await claim(person, gift["start_parameter"]), 409, "gift-over")


async def test_a_refused_gift_takes_no_room(world: World, giver: Person) -> None:
    """Who asked for too much may give less right away."""
    async with another_gateway(world, gifts_open_max=1) as strict:
        giver.client = strict.client
        for _ in range(2):
            assert is_problem(await give(giver, 11), 402, "insufficient-credits")
        assert (await give(giver, 1)).status_code == 201


async def test_gifts_have_bounds(world: World, giver: Person) -> None:
    """Too much at once, too many at once, a guess: refused."""
    async with another_gateway(
        world, gift_credits_max=3, gifts_open_max=1, limit_codes_per_hour=2
    ) as strict:
        giver.client = strict.client
        assert is_problem(await give(giver, 4), 422, "invalid-request")
        assert (await give(giver, 1)).status_code == 201
        assert is_problem(await give(giver, 1), 409, "too-many-gifts")
        for _ in range(2):
            assert is_problem(await claim(giver, "gift_guess"), 404, "gift-unknown")
        assert is_problem(await claim(giver, "gift_guess"), 429, "too-many-requests")
    for wrong in (0, -1, 2.5, True, "5"):
        assert (
            await world.client.post(
                "/gifts",
                json={"credits": wrong},
                headers={**giver.authorization, "Idempotency-Key": "wrong"},
            )
        ).status_code == 422
