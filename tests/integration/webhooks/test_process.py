"""The whole way: from a request at the gateway to a customer's server, over the real log."""

from __future__ import annotations

import signal
from typing import Any
from uuid import UUID

import asyncpg

from runtime.waiting import until
from tests.fakes.receiver import Receiver
from tests.integration.gateway.world import Person, World
from tests.integration.processes import caught_up, new_group
from tests.integration.webhooks.processes import webhooks


async def subscribed(person: Person, url: str, **rest: Any) -> dict[str, Any]:
    """A webhook of a person's, as the API answers it."""
    answer = await person.post("/webhooks", json={"url": url, **rest})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def made(world: World, person: Person, **body: Any) -> str:
    """Ask for a picture and have it made; its id."""
    answer = await person.ask(**body)
    assert answer.status_code == 202, answer.text
    generation: str = answer.json()["id"]

    async def admitted() -> bool:
        now = (await person.get(f"/generations/{generation}")).json()
        return bool(now["credits"]["reserved"])

    await until(admitted, 30, what="the admission: no worker begins before it")
    await world.start(person, generation)
    await world.complete(person, generation)
    return generation


def types_of(receiver: Receiver) -> list[str]:
    return sorted(one.message["type"] for one in receiver.received)


async def sent(world: World, account_id: str) -> int:
    """How many attempts were ever begun to tell this account; others' are repeated meanwhile."""
    connection = await asyncpg.connect(world.database.owner_url)
    try:
        query = "SELECT count(*) FROM webhook_attempts WHERE account_id = $1"
        count: int = await connection.fetchval(query, UUID(account_id))
        return count
    finally:
        await connection.close()


async def test_from_a_request_to_the_customers_server(world: World, receiver: Receiver) -> None:
    """What counts arrives once, signed with the secret that was shown, and only what is one's own.

    Afterwards the whole log is read again by another group: nothing is sent a second time.
    """
    person, other = await world.person(), await world.person()
    hook = await subscribed(person, receiver.url())
    group = new_group()
    settings, url = world.settings, world.database.urls["webhooks"]
    async with webhooks(settings, url, webhook_group=group) as process:
        generation = await made(world, person)
        await made(world, other)
        await until(lambda: len(receiver.received) == 2, 30, what="two messages")
        await caught_up(settings, group)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert types_of(receiver) == ["generation.admitted", "generation.done"]
    for one in receiver.received:
        assert one.verified_by(hook["secret"])
        assert one.message["data"]["generation_id"] == generation
    again, attempts = new_group(), await sent(world, person.account_id)
    async with webhooks(settings, url, webhook_group=again):
        await caught_up(settings, again)
    assert len(receiver.received) == 2
    assert attempts == await sent(world, person.account_id) == 2


async def test_a_killed_process_loses_nothing_and_repeats_nothing(
    world: World, receiver: Receiver
) -> None:
    """What is decided while nobody sends arrives later; what was delivered stays delivered."""
    person = await world.person()
    await subscribed(person, receiver.url(), event_types=["generation.done"])
    group = new_group()
    settings, url = world.settings, world.database.urls["webhooks"]
    async with webhooks(settings, url, webhook_group=group, slot="k1") as process:
        first = await made(world, person)
        await until(lambda: len(receiver.received) == 1, 30, what="the first message")
        process.kill()
        await process.wait()
    second = await made(world, person)
    async with webhooks(settings, url, webhook_group=group, slot="k1"):
        await until(lambda: len(receiver.received) == 2, 60, what="the second message")
        await caught_up(settings, group)
    told = [one.message["data"]["generation_id"] for one in receiver.received]
    assert told == [first, second]
