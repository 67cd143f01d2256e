"""Buying packs in the chat with the bot."""

from __future__ import annotations

from uuid import UUID

from commands.catalogue import PACKS, STYLES
from commands.wording import say
from gateway.telegram.bot.buying import PACK_NAMES
from gateway.telegram.bot.showing import STYLE_NAMES
from runtime.waiting import until
from tests.fakes.telegram import Person
from tests.integration.gateway.bot import Bot


async def test_packs_are_bought(bot: Bot, anna: Person) -> None:
    """A pack's button leads to an invoice; paid, its credits are in the balance. In a group packs
    are not sold.
    """
    anna.sends("/buy")
    await anna.sees(say("en", "bot-buy"))
    pack = PACKS[0]
    name = say("en", "bot-pack-starter")
    anna.presses(say("en", "bot-pack", pack=name, credits=pack.credits, stars=pack.stars))
    seen = await anna.sees(say("en", "bot-buy-invoice", pack=name))
    await anna.pays(seen["reply_markup"]["inline_keyboard"][0][0]["url"])
    account_id = await bot.account_of(anna)

    async def granted() -> bool:
        rows = await bot.fetch(
            "SELECT available FROM read.credit_accounts WHERE account_id = $1", UUID(account_id)
        )
        return bool(rows[0]["available"] == 5 + pack.credits)

    await until(granted, 15, what="the credits")
    anna.sends("/balance")
    await anna.sees(say("en", "bot-balance", available=5 + pack.credits))
    group = bot.telegram.group()
    anna.sends("/buy", chat=group)
    await bot.answered()
    said = [one["text"] for one in group.messages.values() if one["from"]["is_bot"]]
    assert said == [say("en", "bot-buy-private")]


def test_everything_for_sale_has_a_name() -> None:
    """Each pack and each style has its name in the catalogues."""
    assert {one.id for one in PACKS} == PACK_NAMES.keys()
    assert {one.id for one in STYLES} == STYLE_NAMES.keys()
