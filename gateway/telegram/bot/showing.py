"""What the bot shows of an account: balance, history, styles; and its words on itself."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from commands.bot_buttons import Button, Pressed, Rows, data
from commands.catalogue import STYLES, STYLES_BY_ID
from gateway.account.me import MeChange, change_profile
from gateway.api.documents import GenerationDocument
from gateway.generations.gallery import GalleryQuery, page_of
from gateway.money.credits import credits_of
from gateway.telegram.bot.talk import Talk

SHOWN: Final = 5
"""Generations on one page of the history."""
PAGES_MAX: Final = 20
PROMPT_CHARS_SHOWN: Final = 60
_MARKS: Final = MappingProxyType(
    {
        "pending": "⏳",
        "processing": "🎨",
        "done": "✅",
        "failed": "⚠️",
        "rejected": "🚫",
        "cancelled": "✖️",
    }
)
STYLE_NAMES: Final = MappingProxyType(
    {
        "none": "bot-style-none",
        "photo": "bot-style-photo",
        "pixel": "bot-style-pixel",
        "watercolour": "bot-style-watercolour",
        "poster": "bot-style-poster",
        "neon": "bot-style-neon",
    }
)
"""A style's id → its name in the catalogues."""


async def balance(talk: Talk, _words: str) -> None:
    """`/balance`."""
    has = await credits_of(talk.deps, talk.own)
    lines = [talk.say("bot-balance", available=has.available)]
    if has.reserved:
        lines.append(talk.say("bot-balance-reserved", reserved=has.reserved))
    if has.debt:
        lines.append(talk.say("bot-balance-debt", debt=has.debt))
    ending = [one for one in has.grants if one.available and one.expires_at is not None]
    if ending:
        first = min(ending, key=lambda one: one.expires_at or "")
        lines.append(
            talk.say(
                "bot-balance-expiry", credits=first.available, until=_date(first.expires_at or "")
            )
        )
    if not has.available:
        lines.append(talk.say("bot-balance-empty"))
    await talk.reply("\n".join(lines), await talk.app_row())


async def history(talk: Talk, _words: str) -> None:
    """`/history`: the newest generations."""
    await show_history(talk, 1)


async def show_history(talk: Talk, page: int) -> None:
    """One page of the history, from 1, as a message; in place of the one whose button led there."""
    wanted = min(max(page, 1), PAGES_MAX)
    limit = min(wanted * SHOWN, 100)
    found = await page_of(talk.deps, talk.own, GalleryQuery(limit=limit))
    items = found.items[(wanted - 1) * SHOWN :]
    if not items:
        await talk.tell(talk.say("bot-history-empty"))
        return
    lines = [f"{_MARKS.get(one.status, '•')} {_named(talk, one)}" for one in items]
    text = "\n".join([talk.say("bot-history"), "", *lines])
    rows: Rows = ()
    if found.next_cursor is not None and wanted < PAGES_MAX:
        more = Button(talk.say("bot-button-more"), data(Pressed("history", str(wanted + 1))))
        rows = ((more,),)
    rows = (*rows, *await talk.app_row())
    if talk.query_id:
        await talk.edit(talk.message_id, text, rows)
        await talk.toast()
    else:
        await talk.reply(text, rows)


async def styles(talk: Talk, _words: str) -> None:
    """`/styles`: choose the one that the bot draws in."""
    chosen = talk.preferences.default_style_id or "none"
    buttons = [
        Button(_marked(talk, style.id, chosen), data(Pressed("style", style.id)))
        for style in STYLES
    ]
    rows = tuple(tuple(buttons[place : place + 2]) for place in range(0, len(buttons), 2))
    await talk.reply(talk.say("bot-styles"), rows)


async def choose_style(talk: Talk, style_id: str) -> None:
    """A style's button was pressed."""
    if style_id not in STYLES_BY_ID:
        await talk.toast(talk.say("bot-button-old"), alert=True)
        return
    await change_profile(talk.deps, talk.own, MeChange(default_style_id=style_id))
    await talk.toast(talk.say("bot-style-chosen", style=talk.say(STYLE_NAMES[style_id])))


async def say_help(talk: Talk, _words: str) -> None:
    """`/help`."""
    await talk.reply(talk.say("bot-help"), await talk.app_row())


async def terms(talk: Talk, _words: str) -> None:
    """`/terms`."""
    await talk.reply(talk.say("bot-terms"), _page(talk, talk.deps.settings.terms_url))


async def privacy(talk: Talk, _words: str) -> None:
    """`/privacy`."""
    await talk.reply(talk.say("bot-privacy"), _page(talk, talk.deps.settings.privacy_url))


async def support(talk: Talk, _words: str) -> None:
    """`/support`."""
    await talk.reply(talk.say("bot-support") + _contact(talk))


async def paysupport(talk: Talk, _words: str) -> None:
    """`/paysupport`: Telegram wants bots that sell things to answer it."""
    await talk.reply(talk.say("bot-paysupport") + _contact(talk))


def _contact(talk: Talk) -> str:
    contact = talk.deps.settings.support_contact
    return "\n\n" + (
        talk.say("bot-support-none")
        if contact is None
        else talk.say("bot-support-contact", contact=contact)
    )


def _page(talk: Talk, address: str | None) -> Rows:
    return () if address is None else ((Button(talk.say("bot-button-read"), url=address),),)


def _named(talk: Talk, one: GenerationDocument) -> str:
    prompt = " ".join((one.prompt or "").split())
    if not prompt:
        return talk.say("bot-history-unnamed")
    return prompt if len(prompt) <= PROMPT_CHARS_SHOWN else prompt[:PROMPT_CHARS_SHOWN] + "…"


def _marked(talk: Talk, style_id: str, chosen: str) -> str:
    name = talk.say(STYLE_NAMES[style_id])
    return f"✓ {name}" if style_id == chosen else name


def _date(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
