"""The bot: what people write to it and press, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from commands.wording import say
from events.generations import GenerationRequested
from runtime.waiting import until
from tests.fakes.telegram import Person
from tests.integration.gateway.bot import APP, Bot
from tests.integration.gateway.log import records_about


async def requests(bot: Bot, person: Person) -> list[GenerationRequested]:
    """What stands in the log of a person's requests, each as often as it does."""
    account_id = await bot.account_of(person)
    return [
        one.event
        for one in await records_about(bot.world, account_id)
        if isinstance(one.event, GenerationRequested)
    ]


async def test_start_makes_an_account(bot: Bot) -> None:
    """START makes the account as a first sign-in does, and leads to the app; twice it is one."""
    person = await bot.started("Berta")
    account_id = await bot.account_of(person)
    greeting = await person.sees(say("en", "bot-start")[:20])
    button = greeting["reply_markup"]["inline_keyboard"][0][0]
    assert button["web_app"]["url"] == f"{APP}/"
    person.starts()
    await bot.answered()
    assert await bot.account_of(person) == account_id


async def test_links_carry_on(bot: Bot) -> None:
    """What a deep link carried is handed to the app: an invitation, and somebody's picture."""
    person = bot.telegram.person("Carl")
    person.starts("r_7Q2")
    seen = await person.sees("/generate")
    assert seen["reply_markup"]["inline_keyboard"][0][0]["web_app"]["url"] == f"{APP}/?start=r_7Q2"
    person.starts("s_0123456789abcdefghijkl")
    seen = await person.sees(say("en", "bot-start-share")[:20])
    url = seen["reply_markup"]["inline_keyboard"][0][0]["web_app"]["url"]
    assert url == f"{APP}/?share=0123456789abcdefghijkl"
    await bot.answered()


async def test_invitations_count(bot: Bot) -> None:
    """Who presses START on somebody's invitation is that one's friend."""
    inviter = await bot.world.person()
    invited = (await inviter.get("/referrals")).json()["start_parameter"]
    person = bot.telegram.person("Emil")
    person.starts(invited)
    await person.sees("/generate")
    assert (await inviter.get("/referrals")).json()["friends_waiting"] == 1


async def test_without_an_account_nothing_is_made(bot: Bot) -> None:
    """Who never pressed START is told to, and has no account after that."""
    person = bot.telegram.person("Dora")
    person.sends("/generate a cat")
    await person.sees(say("en", "bot-start-first"))
    rows = await bot.fetch("SELECT FROM identity_links WHERE subject_id = $1", str(person.id))
    assert rows == []


async def test_generate_asks_once(bot: Bot, anna: Person) -> None:
    """One status message, one request under the update's number; delivered again, no more."""
    anna.sends("/generate a cat on a mat")
    seen = await anna.sees(say("en", "bot-status-asked"))
    number = bot.last_update()
    generation = await bot.generation_of(anna)
    rows = await bot.fetch(
        "SELECT chat_id, message_id, language FROM bot_status_messages WHERE generation_id = $1",
        generation,
    )
    assert [tuple(one) for one in rows] == [(None, seen["message_id"], "en")]

    async def admitted() -> bool:
        return await bot.status_of(generation) == "pending"

    await until(admitted, 15, what="the request to be admitted")
    before = len(bot.calls("sendMessage"))
    update = {"update_id": number, "message": bot_message(anna, "/generate a cat on a mat")}
    for _ in range(3):
        bot.telegram.updates.again(update)
    await bot.answered()
    assert len(bot.calls("sendMessage")) == before
    assert [one.generation_id for one in await requests(bot, anna)] == [generation]


def bot_message(person: Person, text: str) -> dict[str, Any]:
    """The newest message of a person's, as its update has it."""
    mine = [one for one in person.chat.messages.values() if one["from"]["id"] == person.id]
    assert mine[-1]["text"] == text
    return mine[-1]


async def test_a_process_that_died_is_followed(bot: Bot, anna: Person) -> None:
    """An update that was taken by a process that ended is worked on at the next delivery, with
    the same request and no second status message.
    """
    anna.sends("/generate a horse")
    await anna.sees(say("en", "bot-status-asked"))
    await bot.answered()
    number = bot.last_update()
    await bot.fetch(
        "UPDATE bot_updates SET done = false, lease_until = now() WHERE update_id = $1", number
    )
    before = len(bot.calls("sendMessage"))
    bot.telegram.updates.again(
        {"update_id": number, "message": bot_message(anna, "/generate a horse")}
    )
    await bot.answered()
    assert len(bot.calls("sendMessage")) == before
    assert len(await requests(bot, anna)) == 1


async def test_the_dialogue_waits_an_hour(bot: Bot, anna: Person) -> None:
    """Without words the bot asks for them; the next words are the prompt, after an hour no more.
    What was said is not kept.
    """
    anna.sends("/generate")
    await anna.sees(say("en", "bot-generate-ask"))
    anna.sends("a bird on a wire")
    await anna.sees(say("en", "bot-status-asked"))
    await bot.answered()
    assert len(await requests(bot, anna)) == 1
    anna.sends("/generate")
    await bot.answered()
    await bot.fetch("UPDATE bot_dialogues SET expires_at = now() - interval '1 second'")
    anna.sends("a bird on a roof")
    await anna.sees(say("en", "bot-hint"))
    assert len(await requests(bot, anna)) == 1


async def test_prompts_that_cannot_be(bot: Bot, anna: Person) -> None:
    """A prompt that is too long is refused in words, before anything else is said."""
    anna.sends("/generate " + "long " * 200)
    await anna.sees(say("en", "bot-error-prompt", characters=500))
    assert await requests(bot, anna) == []
    await bot.answered()


async def test_what_people_write_is_no_markup(bot: Bot, anna: Person) -> None:
    """Words that would be markup are shown in the history as they were written, and no call of
    the bot names a parse mode.
    """
    anna.sends("/generate <b>bold</b> & _plain_ [x](https://pixelpop.test)")
    generation = await bot.generation_of(anna)

    async def readable() -> bool:
        return await bot.status_of(generation) is not None

    await until(readable, 15, what="the request")
    anna.sends("/history")
    await anna.sees("<b>bold</b> & _plain_ [x](https://pixelpop.test)")
    await bot.answered()
    assert not any("parse_mode" in one.arguments for one in bot.telegram.calls)


async def test_in_russian(bot: Bot) -> None:
    """Who has Russian in Telegram is answered in Russian; who chooses English, in English."""
    boris = await bot.started("Boris", language="ru")
    await boris.sees(say("ru", "bot-start")[:20])
    boris.sends("/help")
    await boris.sees(say("ru", "bot-help")[:20])
    boris.sends("/language")
    await boris.sees(say("ru", "bot-language"))
    boris.presses("English")
    await boris.sees(say("en", "bot-language-chosen"))
    boris.sends("/balance")
    await boris.sees(say("en", "bot-balance", available=5))
    await bot.answered()


@pytest.mark.parametrize(
    ("command", "key"),
    [
        ("/help", "bot-help"),
        ("/terms", "bot-terms"),
        ("/privacy", "bot-privacy"),
        ("/support", "bot-support"),
        ("/paysupport", "bot-paysupport"),
        ("/styles", "bot-styles"),
        ("/history", "bot-history-empty"),
        ("/buy", "bot-buy"),
        ("/nonsense", "bot-unknown-command"),
        ("how are you", "bot-hint"),
    ],
)
async def test_every_command_answers(bot: Bot, anna: Person, command: str, key: str) -> None:
    """Each command is answered with its sentence."""
    anna.sends(command)
    await anna.sees(say("en", key).split("\n")[0][:40])
    await bot.answered()


async def test_styles_are_chosen(bot: Bot, anna: Person) -> None:
    """The style that is chosen is the one of the next request."""
    anna.sends("/styles")
    await anna.sees(say("en", "bot-styles"))
    anna.presses("Neon night")
    await bot.answered()
    anna.sends("/generate a street")
    await anna.sees(say("en", "bot-status-asked"))
    await bot.answered()
    assert [one.style_id for one in await requests(bot, anna)] == ["neon"]


async def test_groups_are_survived(bot: Bot, anna: Person) -> None:
    """In a group a command is answered to its message; other bots' commands, chatter and
    channels are left alone.
    """
    group = bot.telegram.group()
    anna.sends("/generate a bus", chat=group)
    generation = await bot.generation_of(anna)
    await bot.answered()
    anna.sends("/generate@some_other_bot a bus", chat=group)
    anna.sends("hello everybody", chat=group)
    channel = bot.telegram.group("News", "channel")
    anna.sends("/generate a bus", chat=channel)
    await bot.answered()
    said = [one for one in group.messages.values() if one["from"]["is_bot"]]
    assert [one["text"] for one in said] == [say("en", "bot-status-asked")]
    assert "reply_to_message" in said[0]
    rows = await bot.fetch(
        "SELECT chat_id FROM bot_status_messages WHERE generation_id = $1", generation
    )
    assert [one["chat_id"] for one in rows] == [group.id]
    assert len(await requests(bot, anna)) == 1


async def test_what_is_late_is_not_done(bot: Bot, anna: Person) -> None:
    """What was written more than an hour ago costs nothing: the person is asked to say it again."""
    bot.telegram.clock.forward(-4000)
    anna.sends("/generate a comet")
    bot.telegram.clock.forward(4000)
    await anna.sees(say("en", "bot-error-late"))
    assert await requests(bot, anna) == []
