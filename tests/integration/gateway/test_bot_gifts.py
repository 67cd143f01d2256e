"""Gifts by the bot: whoever follows a gift's link receives it there, or is told why not."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from commands.wording import say
from runtime.waiting import until
from tests.fakes import telegram
from tests.integration.gateway.bot import Bot
from tests.integration.gateway.test_gifts import bought, give, giver
from tests.integration.gateway.world import Person

__all__ = ["giver"]


async def gifts_of(bot: Bot, person: telegram.Person) -> list[int]:
    """Credits of the gifts that a person has."""
    rows = await bot.fetch(
        "SELECT credits FROM read.grants WHERE account_id = $1 AND why = 'gift'",
        UUID(await bot.account_of(person)),
    )
    return [row["credits"] for row in rows]


async def test_a_link_is_a_gift(bot: Bot, giver: Person) -> None:
    """START on a gift's link makes the account and receives the gift, once however often it is
    pressed or delivered; anybody else is told that it is taken, and has an account all the same.
    """
    code = (await give(giver, 4)).json()["start_parameter"]
    anna, boris = bot.telegram.person("Anna"), bot.telegram.person("Boris", language="ru")
    anna.starts(code)
    message = await anna.sees(say("en", "bot-start-gift", credits=4))
    assert "reply_markup" in message

    async def received() -> bool:
        return await gifts_of(bot, anna) == [4]

    await until(received, 15, what="the gift")
    start = next(one for one in anna.chat.messages.values() if one.get("text") == f"/start {code}")
    bot.telegram.updates.again({"update_id": bot.last_update(), "message": start})
    await bot.answered()
    assert len(anna.inbox) == 1
    anna.starts(code)
    boris.starts(code)
    await boris.sees(say("ru", "bot-error-gift-taken"))
    await bot.answered()
    assert len(anna.inbox) == 2
    assert (await gifts_of(bot, anna), await gifts_of(bot, boris)) == ([4], [])
    assert await bought(giver) == 6
    assert (await giver.get("/gifts")).json()["items"][0]["status"] == "received"


@pytest.mark.parametrize(("ends", "key"), [(True, "over"), (False, "unknown")])
async def test_what_is_no_gift_is_told(bot: Bot, giver: Person, ends: bool, key: str) -> None:
    """A gift that was taken back, and a link that leads to none, are told so."""
    code = f"gift_{uuid4().hex[:22]}"
    if ends:
        gift = (await give(giver, 1)).json()
        code = gift["start_parameter"]
        answer = await giver.post(f"/gifts/{gift['id']}/take-back")
        assert answer.status_code == 200, answer.text
    person = bot.telegram.person()
    person.starts(code)
    await person.sees(say("en", f"bot-error-gift-{key}"))
    await bot.answered()
    assert await gifts_of(bot, person) == []
