"""All the ways in which a link to a picture ends, and what cannot be shared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from runtime.waiting import until
from tests.integration.gateway.person import Person
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.shared_pictures import PUBLIC, finished, is_open, share
from tests.integration.gateway.world import Gateway, World, another_gateway

LINKS_MAX = 3


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(world: World) -> AsyncIterator[Gateway]:
    """A gateway that people reach under an address of their own."""
    async with another_gateway(world, public_url=PUBLIC, share_links_max=LINKS_MAX) as one:
        yield one


async def test_a_link_that_was_taken_back_is_closed(
    world: World, door: Gateway, person: Person
) -> None:
    """At once, in every gateway; twice is no mistake; only its owner can."""
    made = await share(door, person, await finished(world, person))
    assert await is_open(door, made["code"])
    stranger = await world.person()
    assert is_problem(await stranger.delete(f"/shares/{made['id']}"), 404, "not-found")
    assert await is_open(door, made["code"])
    for _ in range(2):
        assert (await person.delete(f"/shares/{made['id']}")).status_code == 204
        assert not await is_open(door, made["code"])
    assert (await person.get("/shares")).json()["items"] == []


@pytest.mark.parametrize("what", ["generation", "image"])
async def test_a_link_ends_with_its_picture(
    world: World, door: Gateway, person: Person, what: str
) -> None:
    """It is closed when the picture goes to the bin, and stays so when it comes back out."""
    generation = await finished(world, person, count=2)
    made = await share(door, person, generation)
    kept = await share(door, person, generation, image_id=generation["images"][1]["id"])
    images = f"/images/{generation['images'][0]['id']}"
    path = f"/generations/{generation['id']}" if what == "generation" else images
    assert (await person.delete(path)).status_code == 204
    assert not await is_open(door, made["code"])
    assert await is_open(door, kept["code"]) is (what == "image")
    assert (await person.post(f"{path}/restore")).status_code == 204
    assert not await is_open(door, made["code"])


async def test_a_picture_in_the_bin_is_not_shown(
    world: World, door: Gateway, person: Person
) -> None:
    """Though its link were still open: another deleted it, and only the log knows."""
    generation = await finished(world, person)
    made = await share(door, person, generation)
    owner = await asyncpg.connect(world.database.owner_url)
    try:
        await person.delete(f"/generations/{generation['id']}")
        reopen = "UPDATE shares SET revoked_at = NULL WHERE share_id = $1"
        await owner.execute(reopen, UUID(made["id"]))
    finally:
        await owner.close()

    async def closed() -> bool:
        return not await is_open(door, made["code"])

    await until(closed, 10, what="the read models to know")


async def test_a_link_lasts_no_longer_than_may_be(world: World, person: Person) -> None:
    """Where less than the usual time is allowed, that is what is given."""
    generation = await finished(world, person)
    async with another_gateway(world, share_days_max=2) as strict:
        made = await share(strict, person, generation)
    ends = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=1, hours=23) < ends <= timedelta(days=2)


async def test_a_link_ends_by_itself(world: World, door: Gateway, person: Person) -> None:
    """On its day, and not for longer than may be asked for."""
    generation = await finished(world, person)
    made = await share(door, person, generation, expires_in_days=7)
    ends = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < ends < timedelta(days=7, hours=1)
    owner = await asyncpg.connect(world.database.owner_url)
    try:
        past = "UPDATE shares SET expires_at = now() - interval '1 second' WHERE share_id = $1"
        await owner.execute(past, UUID(made["id"]))
    finally:
        await owner.close()
    assert not await is_open(door, made["code"])
    path = f"/generations/{generation['id']}/share"
    late = await person.post(path, json={"expires_in_days": 3000})
    assert is_problem(late, 422, "invalid-request")


async def test_a_link_ends_with_its_owner(
    world: World, door: Gateway, person: Person, admin: Person
) -> None:
    """An erased account shows nothing from that moment on; a banned one while it is."""
    made = await share(door, person, await finished(world, person))
    ban = f"/admin/accounts/{person.account_id}"
    assert (await admin.post(f"{ban}/ban", json={"reason": "spam"})).status_code < 300
    assert not await is_open(door, made["code"])
    assert (await admin.post(f"{ban}/unban", json={"reason": "sorry"})).status_code < 300
    assert await is_open(door, made["code"])
    assert (await person.delete("/me")).status_code < 300
    assert not await is_open(door, made["code"])


async def test_what_cannot_be_shared(world: World, door: Gateway, person: Person) -> None:
    """What is not made yet, what is in the bin, what is another's, and more than there may be."""
    pending = (await person.ask()).json()
    path = f"/generations/{pending['id']}/share"
    assert is_problem(await person.post(path, json={}), 409, "nothing-to-share")
    generation = await finished(world, person, count=2)
    path = f"/generations/{generation['id']}/share"
    stranger = await world.person()
    assert is_problem(await stranger.post(path, json={}), 404, "not-found")
    wrong = {"image_id": pending["id"]}
    assert is_problem(await person.post(path, json=wrong), 404, "not-found")
    for days in range(1, 3 * LINKS_MAX, 3):
        await share(door, person, generation, expires_in_days=days)
    full = await door.client.post(path, json={"expires_in_days": 100}, headers=person.authorization)
    assert is_problem(full, 409, "too-many-shares")
    await person.delete(f"/generations/{generation['id']}")
    assert is_problem(await person.post(path, json={}), 409, "nothing-to-share")
