"""Sharing in Telegram: a prepared message, and inline mode over one's own pictures."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from events.sharing import ImageShared
from gateway.telegram import inline
from runtime.waiting import until
from tests.fakes.telegram import Telegram
from tests.fakes.telegram.people import Person as TelegramPerson
from tests.integration.gateway.log import events_about
from tests.integration.gateway.person import Person
from tests.integration.gateway.shared_pictures import PUBLIC, finished, is_open, open_page
from tests.integration.gateway.world import Gateway, World, another_gateway

SECRET = "shown-by-Telegram"
PAGE = 2
"""Generations on one page of results."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def telegram(world: World) -> AsyncIterator[Telegram]:
    """Telegram, as far as the bot can tell."""
    assert world.settings.telegram_bot_token
    async with Telegram(token=world.settings.telegram_bot_token) as one:
        one.rules.per_second = one.rules.per_chat_second = None
        yield one
        one.assert_clean()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(world: World, telegram: Telegram) -> AsyncIterator[Gateway]:
    """The gateway of that bot."""
    async with another_gateway(
        world,
        public_url=PUBLIC,
        telegram_api_base=telegram.base_url,
        telegram_webhook_secret=SECRET,
    ) as one:
        telegram.updates.webhook.url = f"http://127.0.0.1:{one.port}/telegram/webhook"
        telegram.updates.webhook.secret_token = SECRET
        yield one


async def somebody(world: World, telegram: Telegram) -> tuple[Person, TelegramPerson]:
    """Somebody who signed in, and their Telegram client."""
    client = telegram.person()
    return await world.person(telegram_id=client.id), client


async def share(door: Gateway, person: Person, generation: Any) -> Any:
    answer = await door.client.post(
        f"/generations/{generation['id']}/share", json={}, headers=person.authorization
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def answered(query: Any) -> Any:
    """What the bot answered."""
    return await until(lambda: query.answer, 10, what="an answer to the inline query")


def local(url: str) -> str:
    """The path of an address of ours."""
    assert url.startswith(PUBLIC)
    return urlsplit(url).path


def code_in(result: Any) -> str:
    """Of the link that the button under a message leads to."""
    url = result["reply_markup"]["inline_keyboard"][0][0]["url"]
    assert "https://t.me/" in url
    return str(url.partition("?start=s_")[2])


async def test_a_share_is_prepared_as_a_message(
    world: World, telegram: Telegram, door: Gateway
) -> None:
    """Its owner can send it from the MiniApp: the picture, and a button that leads to the bot."""
    person, client = await somebody(world, telegram)
    made = await share(door, person, await finished(world, person))
    sent = client.shares(made["prepared_message"]["id"])
    assert sent["photo_url"] == f"{PUBLIC}/s/{made['share']['code']}/photo.jpg"
    assert (await door.client.get(local(sent["photo_url"]))).status_code == 200
    assert code_in(sent) == made["share"]["code"]
    assert (sent["photo_width"], sent["photo_height"]) == (1024, 1024)


async def test_no_message_is_prepared_for_who_blocked_the_bot(
    world: World, telegram: Telegram, door: Gateway
) -> None:
    """There is a link all the same."""
    person, client = await somebody(world, telegram)
    generation = await finished(world, person)
    client.starts()
    client.blocks_bot()

    async def known() -> bool:
        chat = (await person.get("/me")).json()["telegram"]
        return bool(chat and not chat["reachable"])

    await until(known, 15, what="the block to be known")
    made = await share(door, person, generation)
    assert made["prepared_message"] is None
    assert await is_open(door, made["share"]["code"])


async def test_a_link_does_not_wait_for_telegram(
    world: World, telegram: Telegram, door: Gateway
) -> None:
    """Where Telegram does not answer, or asks for a pause, there is a link without a message."""
    person, _ = await somebody(world, telegram)
    generation = await finished(world, person)
    for fault in ("drop", "429:5", "500"):
        telegram.faults["savePreparedInlineMessage"].append(fault)
        made = await share(door, person, generation)
        assert made["prepared_message"] is None
        assert await is_open(door, made["share"]["code"])
    assert (await share(door, person, generation))["prepared_message"] is not None


async def test_inline_mode_shows_ones_own_pictures(
    world: World, telegram: Telegram, door: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them, newest first, page by page; nobody else's, and nothing from the bin."""
    monkeypatch.setattr(inline, "GENERATIONS_MAX", PAGE)
    person, client = await somebody(world, telegram)
    stranger, _ = await somebody(world, telegram)
    await finished(world, stranger)
    made = [await finished(world, person, count=2)]
    made += [await finished(world, person) for _ in range(PAGE)]
    await person.delete(f"/images/{made[0]['images'][0]['id']}")
    wanted = [made[at]["images"][0]["id"] for at in range(PAGE, 0, -1)] + [
        made[0]["images"][1]["id"]
    ]
    found: list[str] = []
    offset, pages = "", 0
    while offset or not pages:
        answer = await answered(client.asks_inline("", offset=offset))
        assert answer["is_personal"]
        found += [one["id"].partition(":")[0] for one in answer["results"]]
        offset, pages = answer["next_offset"], pages + 1
    assert found == [one.replace("-", "") for one in wanted]
    assert pages == 2


async def test_inline_pictures_are_for_telegram_and_a_while(
    world: World, telegram: Telegram, door: Gateway
) -> None:
    """Telegram fetches picture and thumbnail; a made-up address and the bin show nothing."""
    person, client = await somebody(world, telegram)
    generation = await finished(world, person)
    (result,) = (await answered(client.asks_inline("")))["results"]
    for url in (result["photo_url"], result["thumbnail_url"]):
        answer = await door.client.get(local(url))
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "private, no-store"
    path = local(result["photo_url"])
    changed = "A" if path[20] != "A" else "B"
    assert (await door.client.get(path[:20] + changed + path[21:])).status_code == 404
    await person.delete(f"/generations/{generation['id']}")
    assert (await door.client.get(path)).status_code == 404


async def test_words_find_pictures(world: World, telegram: Telegram, door: Gateway) -> None:
    """What is typed after the bot's name is looked for in the prompts."""
    person, client = await somebody(world, telegram)
    await finished(world, person)
    assert (await answered(client.asks_inline("  A DOG ")))["results"]
    answer = await answered(client.asks_inline("a zebra"))
    assert answer["results"] == []


async def test_the_address_of_a_link_finds_its_picture(
    world: World, telegram: Telegram, door: Gateway
) -> None:
    """Anybody can send on what a link shows, by its address alone; not once it has ended."""
    person, client = await somebody(world, telegram)
    made = (await share(door, person, await finished(world, person)))["share"]
    for who in (client, telegram.person()):
        (result,) = (await answered(who.asks_inline(made["url"])))["results"]
        assert code_in(result) == made["code"]
        assert (await door.client.get(local(result["photo_url"]))).status_code == 200
    elsewhere = f"https://elsewhere.example/s/{made['code']}"
    assert (await answered(client.asks_inline(elsewhere)))["results"] == []
    await person.delete(f"/shares/{made['id']}")
    assert (await answered(client.asks_inline(made["url"])))["results"] == []


async def test_what_was_chosen_leads_to_a_link(
    world: World, telegram: Telegram, door: Gateway
) -> None:
    """The button under it opens from when it was sent on; told again, it is the same link."""
    person, client = await somebody(world, telegram)
    generation = await finished(world, person)
    query = client.asks_inline("")
    (result,) = (await answered(query))["results"]
    code = code_in(result)
    assert not await is_open(door, code)
    update = client.chooses(query, result["id"])

    async def opened() -> bool:
        return (await open_page(door, code)).status_code == 200

    await until(opened, 10, what="the link to be open")
    assert await is_open(door, code)
    telegram.updates.again(update)
    await telegram.delivered()
    facts = [
        one for one in await events_about(world, person.account_id) if isinstance(one, ImageShared)
    ]
    assert [(one.via, one.shows_prompt, one.generation_id) for one in facts] == [
        ("inline", False, generation["id"])
    ]
    (listed,) = (await person.get("/shares")).json()["items"]
    assert (await person.delete(f"/shares/{listed['id']}")).status_code == 204
    assert not await is_open(door, code)


async def test_nobody_opens_anothers_picture_by_choosing(
    world: World, telegram: Telegram, door: Gateway
) -> None:
    """A result of somebody else's, or a made-up one, opens nothing."""
    person, client = await somebody(world, telegram)
    thief, hand = await somebody(world, telegram)
    await finished(world, person)
    query = client.asks_inline("")
    (result,) = (await answered(query))["results"]
    hand.chooses(query, result["id"])
    hand.chooses(query, "made up")
    await telegram.delivered()
    assert not await is_open(door, code_in(result))
    assert (await thief.get("/shares")).json()["items"] == []


async def test_who_has_no_account_is_led_to_the_bot(telegram: Telegram, door: Gateway) -> None:
    """A button above no results; who has no pictures yet is told to make one."""
    answer = await answered(telegram.person(language="ru").asks_inline(""))
    assert answer["results"] == []
    button = json.loads(telegram.calls_of("answerInlineQuery")[-1].arguments["button"])
    assert "Войдите" in button["text"]
    assert button["start_parameter"] == "inline"
