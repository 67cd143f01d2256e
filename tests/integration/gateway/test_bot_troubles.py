"""The bot when something does not work: nothing is lost, done twice, or done where nobody sees."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from commands.wording import say
from gateway.telegram.bot import asking
from runtime.errors import PixelpopError
from runtime.kafka.errors import AppendUnknown
from runtime.waiting import until
from tests.fakes.telegram import Person
from tests.integration.gateway.bot import Bot, a_bot
from tests.integration.gateway.test_bot import requests
from tests.integration.gateway.world import World


def failing_times(
    monkeypatch: pytest.MonkeyPatch, error: PixelpopError, times: int, *, first_done: bool
) -> None:
    """The next requests end so, though they may have been taken."""
    submit, left = asking.submit, [times]

    async def unsure(*arguments: Any) -> Any:
        if left[0]:
            left[0] -= 1
            if first_done:
                await submit(*arguments)
            raise error
        return await submit(*arguments)

    monkeypatch.setattr(asking, "submit", unsure)


async def test_an_unknown_outcome_is_found_out(
    bot: Bot, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request of which nobody knows whether it is in the log is asked again, when Telegram
    brings the update again, under the same key: one request, one message.
    """
    failing_times(monkeypatch, AppendUnknown("lost"), 2, first_done=True)
    anna.sends("/generate a boat")
    await bot.answered()
    assert [one.status for one in bot.telegram.updates.delivered[-3:]] == [503, 503, 200]
    assert len(await requests(bot, anna)) == 1
    texts = [one["text"] for one in anna.inbox]
    assert texts.count(say("en", "bot-status-asked")) == 1


async def test_after_a_while_it_is_told(
    bot: Bot, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who wrote minutes ago is told that nobody knows; the message stays the generation's, so
    that it shows the picture if there is one.
    """
    failing_times(monkeypatch, AppendUnknown("lost"), 1, first_done=True)
    bot.telegram.clock.forward(-300)
    anna.sends("/generate a boat")
    bot.telegram.clock.forward(300)
    seen = await anna.sees(say("en", "bot-error-unsure"))
    generation = await bot.generation_of(anna)
    rows = await bot.fetch(
        "SELECT message_id FROM bot_status_messages WHERE generation_id = $1", generation
    )
    assert [one["message_id"] for one in rows] == [seen["message_id"]]


async def test_where_it_cannot_write_it_makes_nothing(bot: Bot, anna: Person) -> None:
    """A request from a group that the bot was thrown out of costs nothing."""
    group = bot.telegram.group()
    bot.telegram.updates.delivery.is_held = True
    anna.sends("/generate a boat", chat=group)
    group.is_blocked = True
    bot.telegram.updates.release()
    await bot.telegram.delivered()
    assert await requests(bot, anna) == []


async def test_a_flood_is_not_answered(world: World) -> None:
    """What one person writes beyond the limit is taken and not answered; others are."""
    async with a_bot(world, limit_bot_per_minute=5) as bot:
        anna, boris = bot.telegram.person("Anna"), bot.telegram.person("Boris")
        for _ in range(20):
            anna.sends("/help")
        await bot.telegram.delivered()
        boris.sends("/help")
        await boris.sees(say("en", "bot-help")[:20])
        assert len(anna.inbox) == 5


async def test_an_erased_person_begins_anew(bot: Bot, anna: Person) -> None:
    """After an erasure the bot knows nobody until START; an old START that comes again makes no
    account.
    """
    account_id = await bot.account_of(anna)
    start = next(one for one in anna.chat.messages.values() if one.get("text") == "/start")
    number = bot.last_update()
    await bot.fetch("DELETE FROM identities WHERE account_id = $1", account_id)
    await bot.fetch(
        "UPDATE bot_updates SET done = false, lease_until = now() WHERE update_id = $1", number
    )
    bot.telegram.updates.again({"update_id": number, "message": start})
    await anna.sees(say("en", "bot-error-erased"))
    rows = await bot.fetch("SELECT FROM identity_links WHERE subject_id = $1", str(anna.id))
    assert rows == []
    anna.starts()

    async def is_back() -> bool:
        rows = await bot.fetch("SELECT FROM identity_links WHERE subject_id = $1", str(anna.id))
        return bool(rows)

    await until(is_back, 15, what="a new account")
    assert await bot.account_of(anna) != account_id


async def test_a_banned_person_is_told(bot: Bot, anna: Person) -> None:
    """Who is banned can ask for nothing, and is told so; support still answers."""
    await bot.fetch(
        "UPDATE identity_marks SET banned = true WHERE account_id = $1", await bot.account_of(anna)
    )
    anna.sends("/generate a boat")
    await anna.sees(say("en", "bot-error-banned"))
    anna.sends("/support")
    await anna.sees(say("en", "bot-support"))
    assert await requests(bot, anna) == []
    await bot.answered()


async def test_an_appeal(bot: Bot, anna: Person) -> None:
    """The newest refusal is objected to, once, with words of the next message; in private alone."""
    anna.sends("/appeal")
    await anna.sees(say("en", "bot-appeal-nothing"))
    for prompt in ("a decapitated man", "two decapitated men"):
        anna.sends(f"/generate {prompt}")
        await bot.answered()
        generation = await bot.generation_of(anna)

        async def refused(it: str = generation) -> bool:
            return await bot.status_of(it) == "rejected"

        await until(refused, 30, what="the refusal to be readable")
    anna.sends("/appeal")
    await anna.sees(say("en", "bot-appeal-ask", prompt="two decapitated men"))
    anna.sends("x" * 1_001)
    await anna.sees(say("en", "bot-appeal-long", characters=1_000))
    anna.sends("It is about statues.")
    await anna.sees(say("en", "bot-appeal-filed"))
    anna.sends("/appeal It is a statue, too.")
    await bot.answered()
    anna.sends("/appeal And once more.")
    await bot.answered()
    group = bot.telegram.group()
    anna.sends("/appeal", chat=group)
    await bot.answered()
    said = [one["text"] for one in group.messages.values() if one["from"]["is_bot"]]
    assert said == [say("en", "bot-appeal-private")]
    texts = [one["text"] for one in anna.inbox]
    assert texts.count(say("en", "bot-appeal-nothing")) == 2
    assert texts.count(say("en", "bot-appeal-filed")) == 2
    rows = await bot.fetch(
        "SELECT generation_id FROM appeals WHERE account_id = $1 ORDER BY filed_at",
        UUID(await bot.account_of(anna)),
    )
    assert str(rows[0]["generation_id"]) == generation
    assert len(rows) == 2
