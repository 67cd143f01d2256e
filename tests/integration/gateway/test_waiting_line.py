"""The waiting line as people see it: several of them, one log, real servers."""

from __future__ import annotations

from typing import Any

from runtime.waiting import until
from tests.integration.gateway.sse import stream
from tests.integration.gateway.world import Person, World, another_gateway


async def seen(person: Person, generation: str) -> dict[str, Any]:
    return (await person.get(f"/generations/{generation}")).json()


async def test_people_stand_in_one_line(world: World) -> None:
    """Each sees how many of all accounts' are before; starts and ends move the others up."""
    people = [await world.person() for _ in range(3)]
    asked = [(await person.ask()).json() for person in people]
    ids = [one["id"] for one in asked]
    first = asked[0]["queue_position"]
    # Other tests' generations may be before these, but none comes between.
    assert [one["queue_position"] for one in asked] == [first, first + 1, first + 2]

    await world.start(people[0], ids[0])

    async def moved_up() -> bool:
        now = [(await seen(person, one)) for person, one in zip(people, ids, strict=True)]
        return [one["queue_position"] for one in now] == [0, first, first + 1]

    await until(moved_up, 10, what="the others to move up")
    await world.complete(people[0], ids[0])

    async def done() -> bool:
        return bool((await seen(people[0], ids[0]))["status"] == "done")

    await until(done, 10, what="the first to be done")
    finished = await seen(people[0], ids[0])
    assert (finished["queue_position"], finished["eta_seconds"]) == (None, None)

    # One took so long: that is what the next ones may expect.
    await world.start(people[1], ids[1])

    async def expected() -> bool:
        last = await seen(people[2], ids[2])
        return bool(last["queue_position"] == first and (last["eta_seconds"] or 0) >= 1)

    await until(expected, 10, what="an estimate")
    await world.fail(people[1], ids[1])
    await world.fail(people[2], ids[2])


async def test_it_is_told_wherever_a_generation_is_shown(world: World, person: Person) -> None:
    """The gallery, a repetition and a stream's snapshot say what GET says; so do all gateways."""
    generation = (await person.ask(key="same")).json()
    place = generation["queue_position"]
    assert place >= 0
    assert (await person.ask(key="same")).json()["queue_position"] == place

    async def listed() -> bool:
        items = (await person.get("/generations")).json()["items"]
        return [one["queue_position"] for one in items] == [place]

    await until(listed, 10, what="the gallery to show it")
    async with stream(person.client, "/events", headers=person.authorization) as reader:
        reset = await reader.next()
        assert reset is not None
        assert [one["queue_position"] for one in reset["data"]["generations"]] == [place]
    async with another_gateway(world) as other:
        answer = await other.client.get(
            f"/generations/{generation['id']}", headers=person.authorization
        )
        assert answer.json()["queue_position"] == place
    await world.fail(person, generation["id"])


async def test_a_refused_request_stands_nowhere(person: Person) -> None:
    """What was rejected has no place and no estimate."""
    problem = (await person.ask(key="dear", count=4, quality="high")).json()
    document = await seen(person, problem["generation_id"])
    assert (document["queue_position"], document["eta_seconds"]) == (None, None)
