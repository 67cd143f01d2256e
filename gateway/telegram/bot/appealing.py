"""`/appeal`: objecting, in the person's own words, to the newest refusal that can be appealed."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from gateway.moderation.appeals import file_appeal, newest_refusal
from gateway.moderation.documents import WORDS_CHARS_MAX
from gateway.telegram.bot import dialogues
from gateway.telegram.bot.dialogues import Dialogue
from gateway.telegram.bot.showing import PROMPT_CHARS_SHOWN
from gateway.telegram.bot.talk import Talk

WAITS_FOR_REASON: Final = "appeal-words"
"""The step in which the next words say why a refusal is wrong; what was said names the refusal."""


async def appeal(talk: Talk, words: str) -> None:
    """`/appeal <why>`; without a reason, ask for it.

    Raises:
        PixelpopError: it is not known to be filed; the update is to come again.
    """
    if not talk.is_private:
        await talk.reply(talk.say("bot-appeal-private"))
        return
    refused = await newest_refusal(talk.deps, talk.own)
    if refused is None:
        await talk.reply(talk.say("bot-appeal-nothing"))
    elif words:
        await go_on(talk, str(refused.generation_id), words)
    else:
        waits = Dialogue(WAITS_FOR_REASON, str(refused.generation_id))
        await dialogues.begin(talk.deps.pool, talk.own, talk.update_id, waits)
        about = (refused.prompt or "")[:PROMPT_CHARS_SHOWN] or talk.say("bot-history-unnamed")
        await talk.reply(talk.say("bot-appeal-ask", prompt=about))


async def go_on(talk: Talk, generation_id: str, words: str) -> None:
    """File it.

    Raises:
        Problem: it cannot be objected to, or too many appeals are open.
        PixelpopError: it is not known to be filed; the update is to come again.
    """
    if len(words) > WORDS_CHARS_MAX:
        await talk.reply(talk.say("bot-appeal-long", characters=WORDS_CHARS_MAX))
        return
    await file_appeal(talk.deps, talk.own, UUID(generation_id), words)
    await dialogues.end(talk.deps.pool, talk.own)
    await talk.reply(talk.say("bot-appeal-filed"))
