"""`/start` and `/language`: the first steps with the bot."""

from __future__ import annotations

from typing import Final

from commands.bot_buttons import Button, Pressed, Rows, data
from commands.wording import LANGUAGES, language_of
from gateway.account.me import MeChange, change_profile
from gateway.grants.claims import claim_code
from gateway.grants.gifts import PREFIX as GIFT_PREFIX
from gateway.sharing.codes import START_PREFIX
from gateway.telegram.bot import dialogues
from gateway.telegram.bot.talk import Talk

PAYLOAD_CHARS_MAX: Final = 64
"""Of a deep link's parameter (https://core.telegram.org/bots/features#deep-linking)."""
OWN_NAMES: Final = {"en": "English", "ru": "Русский"}
"""Of languages, for people who look for theirs."""


async def start(talk: Talk, words: str) -> None:
    """Greet, and lead to the app; what a link carried goes along.

    A link to somebody's picture leads to "make yours" there; a gift's is received here; any other
    parameter (who invited them, a campaign) is handed to the app as it came.

    Raises:
        PixelpopError: the gift is nobody's any more, or cannot be received now.
    """
    await dialogues.end(talk.deps.pool, talk.own)
    payload = words if len(words) <= PAYLOAD_CHARS_MAX else ""
    rows: Rows
    if payload.startswith(START_PREFIX):
        text = talk.say("bot-start-share")
        rows = await talk.app_row(share=payload.removeprefix(START_PREFIX))
    elif payload.startswith(GIFT_PREFIX):
        gift, _ = await claim_code(talk.deps, talk.own, payload)
        text, rows = talk.say("bot-start-gift", credits=gift.credits), await talk.app_row()
    elif payload:
        text, rows = talk.say("bot-start"), await talk.app_row(start=payload)
    else:
        text, rows = talk.say("bot-start"), await talk.app_row()
    await talk.reply(text, rows)


async def language(talk: Talk, _words: str) -> None:
    """Offer the languages."""
    buttons = tuple(Button(OWN_NAMES[one], data(Pressed("language", one))) for one in LANGUAGES)
    await talk.reply(talk.say("bot-language"), (buttons,))


async def choose_language(talk: Talk, chosen: str) -> None:
    """A language's button was pressed."""
    if chosen not in LANGUAGES:
        await talk.toast(talk.say("bot-button-old"), alert=True)
        return
    await change_profile(talk.deps, talk.own, MeChange(language=chosen))
    talk.language = language_of(chosen)
    await talk.toast()
    await talk.edit(talk.message_id, talk.say("bot-language-chosen"))
