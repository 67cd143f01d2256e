"""The buttons under the bot's messages: what pressing them does, and for whom."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from commands.bot_buttons import Pressed, data, markup, under_result
from commands.wording import say
from events.generations import GenerationRequested
from runtime.waiting import until
from tests.fakes.telegram import Person
from tests.fakes.telegram.messages import post
from tests.integration.gateway.bot import Bot
from tests.integration.gateway.log import records_about
from tests.unit.uploads import photos


class _Owner:
    """What `World.complete` needs of a person."""

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id


async def asked(bot: Bot, person: Person, prompt: str = "a cat on a mat") -> str:
    """A generation that is admitted."""
    person.sends(f"/generate {prompt}")
    generation = await bot.generation_of(person)

    async def admitted() -> bool:
        return await bot.status_of(generation) == "pending"

    await until(admitted, 15, what="the request to be admitted")
    return generation


async def made(bot: Bot, person: Person, prompt: str = "a cat on a mat") -> str:
    """A generation with its picture, and the message that shows it."""
    return await done(bot, person, await asked(bot, person, prompt))


async def done(bot: Bot, person: Person, generation: str) -> str:
    """The generation, with its picture."""
    owner: Any = _Owner(await bot.account_of(person))
    await bot.world.complete(owner, generation)

    async def is_done() -> bool:
        return await bot.status_of(generation) == "done"

    await until(is_done, 15, what="the picture")
    return generation


def shown(bot: Bot, person: Person, generation: str, chat: Any = None) -> dict[str, Any]:
    """A message with the buttons that go under a result, as another process sends it."""
    rows = under_result("en", generation, app_url=None, is_private=True)
    return post(
        bot.telegram.world,
        chat or person.chat,
        bot.telegram.world.bot,
        text="(the picture)",
        reply_markup=markup(rows),
    )


async def requested(bot: Bot, person: Person) -> list[GenerationRequested]:
    account_id = await bot.account_of(person)
    return [
        one.event
        for one in await records_about(bot.world, account_id)
        if isinstance(one.event, GenerationRequested)
    ]


async def pressed(bot: Bot, person: Person, button: str, message: dict[str, Any]) -> Any:
    """Press a button; what the person is shown of it."""
    query = person.presses(button, message)
    await bot.answered()
    assert not isinstance(query, str)
    assert query.answer is not None, "the button goes on turning"
    return query.answer.get("text")


async def test_again(bot: Bot, anna: Person) -> None:
    """The same words, style and size as before, with a seed of its own and its own message."""
    message = shown(bot, anna, await made(bot, anna))
    await pressed(bot, anna, say("en", "bot-button-again"), message)
    first, second = await requested(bot, anna)
    assert (second.style_id, second.size, second.count) == (first.style_id, first.size, 1)
    assert second.seed != first.seed
    status = [one for one in anna.inbox if one["text"] == say("en", "bot-status-asked")]
    assert len(status) == 2


async def test_a_press_counts_once(bot: Bot, anna: Person) -> None:
    """A press that is delivered five times at once asks for one picture."""
    message = shown(bot, anna, await made(bot, anna))
    bot.telegram.updates.delivery.copies_min = bot.telegram.updates.delivery.copies_max = 5
    try:
        await pressed(bot, anna, say("en", "bot-button-again"), message)
    finally:
        bot.telegram.updates.delivery.copies_min = bot.telegram.updates.delivery.copies_max = 1
    assert len(await requested(bot, anna)) == 2
    status = [one for one in anna.inbox if one["text"] == say("en", "bot-status-asked")]
    assert len(status) == 2


async def test_vary_and_edit(bot: Bot, anna: Person) -> None:
    """Vary asks for a picture like this one, edit for words and then for this one changed; again,
    under either, asks for the same once more.
    """
    generation = await asked(bot, anna)
    account_id = await bot.account_of(anna)
    picture = photos.encoded(photos.halves(), "PNG")
    key = f"generations/{account_id}/{generation}/0.png"
    await bot.world.objects.put_if_absent(key, picture, "image/png")
    message = shown(bot, anna, await done(bot, anna, generation))
    await pressed(bot, anna, say("en", "bot-button-vary"), message)
    await pressed(bot, anna, say("en", "bot-button-edit"), message)
    await anna.sees(say("en", "bot-edit-ask-words"))
    anna.sends("at night")
    edit = await bot.generation_of(anna)
    await bot.answered()
    _, variation, edited = await requested(bot, anna)
    assert (variation.kind, variation.photo_keys) == ("variation", (key,))
    assert (edited.kind, len(edited.upload_ids)) == ("edit", 1)
    await until(lambda: _known(bot, edit), 15, what="the edit to show")
    await pressed(bot, anna, say("en", "bot-button-again"), shown(bot, anna, edit))
    *_, again = await requested(bot, anna)
    assert (again.kind, again.upload_ids) == ("edit", edited.upload_ids)
    assert again.seed != edited.seed


async def _known(bot: Bot, generation: str) -> bool:
    return await bot.status_of(generation) is not None


async def test_share(bot: Bot, anna: Person) -> None:
    """A link that opens, and a button that sends it to a chat; asked again it is the same."""
    message = shown(bot, anna, await made(bot, anna))
    links = set()
    for _ in range(2):
        await pressed(bot, anna, say("en", "bot-button-share"), message)
        seen = await anna.sees("/s/")
        button = seen["reply_markup"]["inline_keyboard"][0][0]
        links.add(button["switch_inline_query"])
        assert button["switch_inline_query"] in seen["text"]
    assert len(links) == 1
    path = links.pop().removeprefix("https://pixelpop.test")
    assert (await bot.gateway.client.get(path)).status_code == 200


async def test_delete_asks_first(bot: Bot, anna: Person) -> None:
    """Delete asks; keep gives the buttons back; yes moves it to the bin and takes it away."""
    generation = await made(bot, anna)
    message = shown(bot, anna, generation)
    before = message["reply_markup"]
    await pressed(bot, anna, say("en", "bot-button-delete"), message)
    await pressed(bot, anna, say("en", "bot-button-keep"), message)
    labels = [[one["text"] for one in row] for row in before["inline_keyboard"]]
    rows = message["reply_markup"]["inline_keyboard"]
    assert [[one["text"] for one in row] for row in rows[:2]] == labels[:2]
    await pressed(bot, anna, say("en", "bot-button-delete"), message)
    told = await pressed(bot, anna, say("en", "bot-button-delete-sure"), message)
    assert told == say("en", "bot-deleted")
    assert message["message_id"] not in anna.chat.messages
    rows = await bot.fetch(
        "SELECT deleted_at_ms FROM read.generations WHERE generation_id = $1", UUID(generation)
    )
    assert rows[0]["deleted_at_ms"] is not None


async def test_cancel(bot: Bot, anna: Person) -> None:
    """Cancel under the status message ends what nobody makes yet; twice it says so again."""
    generation = await asked(bot, anna)
    message = await anna.sees(say("en", "bot-status-asked"))
    told = await pressed(bot, anna, say("en", "bot-button-cancel"), message)
    assert told == say("en", "bot-cancelled")

    async def cancelled() -> bool:
        return await bot.status_of(generation) == "cancelled"

    await until(cancelled, 15, what="the cancellation")
    told = await pressed(bot, anna, say("en", "bot-button-cancel"), message)
    assert told == say("en", "bot-cancelled")


async def test_another_persons_buttons_do_nothing(bot: Bot, anna: Person) -> None:
    """In a group anybody can press: what is not theirs is missing to them, and stays as it was."""
    generation = await made(bot, anna)
    boris = await bot.started("Boris")
    message = shown(bot, anna, generation, chat=bot.telegram.group())
    for button in ("again", "share", "delete", "delete!", "cancel"):
        pressing = data(Pressed(button, generation))
        message["reply_markup"] = {"inline_keyboard": [[{"text": "x", "callback_data": pressing}]]}
        told = await pressed(bot, boris, "x", message)
        assert told == say("en", "bot-error-missing"), button
    assert await requested(bot, boris) == []
    assert await bot.status_of(generation) == "done"


async def test_made_up_and_old_buttons(bot: Bot, anna: Person) -> None:
    """Data that we never wrote, or of a button that is no more, is answered so."""
    message = shown(bot, anna, "0b7c9f4e-5f0d-5c6e-9a55-6f3b0a1c2d3e")
    for text in ("nonsense", "again:1:0", "buy:no-such-pack:0", "style:none:x", "language:xx:0"):
        message["reply_markup"] = {"inline_keyboard": [[{"text": "x", "callback_data": text}]]}
        assert await pressed(bot, anna, "x", message) == say("en", "bot-button-old"), text
    again = data(Pressed("again", "0b7c9f4e-5f0d-5c6e-9a55-6f3b0a1c2d3e"))
    message["reply_markup"] = {"inline_keyboard": [[{"text": "x", "callback_data": again}]]}
    assert await pressed(bot, anna, "x", message) == say("en", "bot-error-missing")


async def test_the_history_has_pages(bot: Bot, anna: Person) -> None:
    """Five to a page, newest first; the next page takes the message's place."""
    for number in range(3):
        await asked(bot, anna, f"picture number {number}")
    anna.sends("/history")
    seen = await anna.sees(say("en", "bot-history"))
    assert "⏳ picture number 2\n⏳ picture number 1\n⏳ picture number 0" in seen["text"]
    await bot.answered()


async def test_telegrams_troubles(bot: Bot, anna: Person) -> None:
    """A call that is lost, refused for its pace, or not answered costs no second request, and the
    next update is worked on.
    """
    for fault in ("429:1", "drop", "lost", "500"):
        bot.telegram.faults["sendMessage"].append(fault)
        anna.sends(f"/generate through {fault}")
        await bot.telegram.delivered(20)
    assert len(await requested(bot, anna)) == 4
    anna.sends("/help")
    await anna.sees(say("en", "bot-help")[:20])


async def test_who_blocks_the_bot_meanwhile(bot: Bot, anna: Person) -> None:
    """An answer to somebody who has blocked the bot is given up; nothing is asked for twice."""
    bot.telegram.updates.delivery.is_held = True
    anna.sends("/help")
    anna.chat.is_blocked = True
    bot.telegram.updates.release()
    await bot.telegram.delivered()
    anna.chat.is_blocked = False
    assert bot.telegram.calls_of("sendMessage", code=403)


async def test_many_copies_of_many_updates(bot: Bot, anna: Person) -> None:
    """Each of several people's updates delivered one to five times, shuffled: each is answered
    once, and each request stands in the log once.
    """
    people = [anna, await bot.started("Boris"), await bot.started("Clara")]
    delivery = bot.telegram.updates.delivery
    delivery.copies_max, delivery.is_shuffled = 5, True
    try:
        for person in people:
            person.sends("/generate a tree")
            person.sends("/terms")
        await bot.telegram.delivered(30)
    finally:
        delivery.copies_max, delivery.is_shuffled = 1, False
    asking = await asyncio.gather(*(requested(bot, person) for person in people))
    assert [len(one) for one in asking] == [1, 1, 1]
    for person in people:
        texts = [one["text"] for one in person.inbox]
        assert texts.count(say("en", "bot-terms")) == 1
        assert texts.count(say("en", "bot-status-asked")) == 1
