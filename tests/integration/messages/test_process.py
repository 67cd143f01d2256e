"""The whole way: from a request at the gateway to a chat in Telegram, over the real log."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator

import pytest_asyncio

from runtime.settings import Settings
from runtime.waiting import until
from tests import servers as test_servers
from tests.fakes.telegram import people
from tests.fakes.telegram.plain import picture
from tests.fakes.telegram.server import Telegram
from tests.integration.gateway.world import Person as Signed
from tests.integration.gateway.world import World, running
from tests.integration.messages.processes import messages
from tests.integration.processes import caught_up, new_group


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(servers: Settings, template_url: str) -> AsyncIterator[World]:
    """Gateway, decider and projector over a database of their own."""
    assert servers.database_url is not None
    database = await test_servers.fresh_database(servers.database_url)
    async with running(servers, database) as one:
        yield one
    await test_servers.drop_database(servers.database_url, database)


@pytest_asyncio.fixture(loop_scope="session")
async def telegram() -> AsyncIterator[Telegram]:
    async with Telegram() as one:
        yield one


async def somebody(world: World, telegram: Telegram) -> tuple[Signed, people.Person]:
    """Signed in at the gateway, and in a chat with the bot."""
    signed = await world.person()
    person = telegram.person(user_id=signed.telegram_id)
    person.chat.is_started = True
    return signed, person


async def made(world: World, person: Signed) -> str:
    """Ask for a picture and have it made; its id."""
    answer = await person.ask()
    assert answer.status_code == 202, answer.text
    generation: str = answer.json()["id"]

    async def admitted() -> bool:
        now = (await person.get(f"/generations/{generation}")).json()
        return bool(now["credits"]["reserved"])

    await until(admitted, 30, what="the admission: no worker begins before it")
    await world.start(person, generation)
    stem = f"generations/{person.account_id}/{generation}/0"
    await world.objects.put_if_absent(f"{stem}.png", picture(), "image/png")
    await world.complete(person, generation)
    return generation


async def test_from_a_request_to_the_chat(world: World, telegram: Telegram) -> None:
    """What was made in the app is told in the chat, once.

    Afterwards the whole log is read again by another group: nothing is sent a second time.
    """
    signed, person = await somebody(world, telegram)
    group = new_group()
    url = world.database.urls["messages"]
    async with messages(world.settings, url, telegram, messages_group=group) as process:
        await made(world, signed)
        message = await person.sees("Your picture is ready", 30)
        await caught_up(world.settings, group)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert message["photo"]
    again, calls = new_group(), len(telegram.calls)
    async with messages(world.settings, url, telegram, messages_group=again):
        await caught_up(world.settings, again)
    assert len(telegram.calls) == calls
    assert len(person.inbox) == 1
    telegram.assert_clean()


async def test_a_killed_process_loses_nothing_and_repeats_nothing(
    world: World, telegram: Telegram
) -> None:
    """What is decided while nobody sends is told later; what was told is not told again."""
    signed, person = await somebody(world, telegram)
    group = new_group()
    url = world.database.urls["messages"]
    # It is killed before it notes that it sent, so its successor waits for its claim to end.
    same = {"messages_group": group, "slot": "k1", "messages_lease_seconds": 4.0}
    async with messages(world.settings, url, telegram, **same) as process:
        await made(world, signed)
        await person.sees("Your picture is ready", 30)
        process.kill()
        await process.wait()
    await made(world, signed)
    async with messages(world.settings, url, telegram, **same):
        await until(lambda: len(person.inbox) == 2, 60, what="the second message")
        await caught_up(world.settings, group)
    assert len(person.inbox) == 2


async def test_who_blocked_the_bot_sees_it(world: World, telegram: Telegram) -> None:
    """A message that Telegram refuses for ever shows in `GET /me`, and no other follows."""
    signed, person = await somebody(world, telegram)
    person.chat.is_blocked = True
    group = new_group()
    url = world.database.urls["messages"]
    async with messages(world.settings, url, telegram, messages_group=group):
        await made(world, signed)

        async def shown() -> bool:
            told = (await signed.get("/me")).json()["telegram"]
            return told is not None and told["reachable"] is False

        await until(shown, 30, what="the profile to say that the bot is blocked")
        refused = sum(one.code == 403 for one in telegram.calls)
        await made(world, signed)
        await caught_up(world.settings, group)
    assert refused == 1
    assert sum(one.code == 403 for one in telegram.calls) == 1


async def test_without_a_bot_nothing_is_put_down(world: World, telegram: Telegram) -> None:
    """Where the token was only made up for development, nothing is called and nothing waits."""
    signed, person = await somebody(world, telegram)
    group = new_group()
    url = world.database.urls["messages"]
    calls = len(telegram.calls)
    async with messages(
        world.settings,
        url,
        telegram,
        messages_group=group,
        messages_event_hours=1,
        telegram_api_base="https://api.telegram.org",
        embedded=True,
        telegram_bot_token=None,
    ):
        await made(world, signed)
        await caught_up(world.settings, group)
    assert len(telegram.calls) == calls
    assert not person.inbox
