"""`/buy`: packs of credits, and an invoice for the one that is chosen."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from commands.bot_buttons import Button, Pressed, data
from commands.catalogue import PACKS, PACKS_BY_ID, Pack
from gateway.money.payments import STARS
from gateway.money.purchases import PurchaseRequest, buy_pack
from gateway.telegram.bot.talk import Talk

PACK_NAMES: Final = MappingProxyType(
    {
        "starter": "bot-pack-starter",
        "regular": "bot-pack-regular",
        "studio": "bot-pack-studio",
        "monthly": "bot-pack-monthly",
    }
)
"""A pack's id → its name in the catalogues."""


async def buy(talk: Talk, _words: str) -> None:
    """Offer the packs."""
    if not talk.is_private:
        await talk.reply(talk.say("bot-buy-private"))
        return
    rows = tuple((Button(_offered(talk, pack), data(Pressed("buy", pack.id))),) for pack in PACKS)
    await talk.reply(talk.say("bot-buy"), rows)


async def choose_pack(talk: Talk, pack_id: str) -> None:
    """A pack's button was pressed: lead to where it is paid."""
    pack = PACKS_BY_ID.get(pack_id)
    if pack is None:
        await talk.toast(talk.say("bot-button-old"), alert=True)
        return
    # In Telegram people pay with Stars, even where everything can be had for nothing (`local`).
    ways = talk.deps.payments.offered_to(talk.own)
    wanted = PurchaseRequest(pack_id=pack.id, provider=STARS if STARS in ways else None)
    document, _ = await buy_pack(talk.deps, talk.own, f"telegram:{talk.update_id}", wanted)
    await talk.toast()
    if document.payment_url is None:
        await talk.reply(talk.say("bot-bought", credits=document.credits))
        return
    pay = Button(talk.say("bot-button-pay", stars=pack.stars), url=document.payment_url)
    await talk.reply(talk.say("bot-buy-invoice", pack=_name(talk, pack)), ((pay,),))


def _offered(talk: Talk, pack: Pack) -> str:
    return talk.say("bot-pack", pack=_name(talk, pack), credits=pack.credits, stars=pack.stars)


def _name(talk: Talk, pack: Pack) -> str:
    key = PACK_NAMES.get(pack.id)
    return pack.name if key is None else talk.say(key)
