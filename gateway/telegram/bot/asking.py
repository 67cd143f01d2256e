"""Asking for pictures in a chat: the same command as `POST /generations`.

The update's number is the idempotency key. The status message is written first, so that whoever
tells what became of the generation finds it; a refusal that stands in the log is told by them.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import structlog

from commands.bot_buttons import Rows, under_waiting
from commands.requests import ImageRequest, checked
from events.ids import GenerationId
from events.ids import generation_id as generation_id_for
from gateway.generations.outcomes import REASONS
from gateway.generations.submissions import submit
from gateway.telegram.bot import dialogues, failing, status_messages
from gateway.telegram.bot.dialogues import Dialogue
from gateway.telegram.bot.status_messages import StatusMessage
from gateway.telegram.bot.talk import Talk
from gateway.web.errors import Problem
from runtime.errors import PixelpopError
from runtime.kafka.errors import AppendUnknown
from runtime.telegram.errors import TelegramRefused

_log = structlog.get_logger(__name__)

WAITS_FOR_PROMPT: Final = "prompt"
"""The step of a dialogue in which the next words are a prompt."""
_DECIDED: Final = frozenset(REASONS.values())


async def generate(talk: Talk, words: str) -> None:
    """`/generate <prompt>`; without one, ask for it."""
    if words:
        await ask(talk, words)
    elif talk.is_private:
        waits = Dialogue(WAITS_FOR_PROMPT)
        await dialogues.begin(talk.deps.pool, talk.own, talk.update_id, waits)
        await talk.reply(talk.say("bot-generate-ask"))
    else:
        await talk.reply(talk.say("bot-generate-usage"))


async def ask(talk: Talk, prompt: str, **fields: Any) -> None:
    """Ask for a picture of these words, as the person's preferences have it.

    Args:
        talk: whose update it is.
        prompt: what to draw.
        fields: of `ImageRequest`, instead of the preferences.

    Raises:
        InvalidRequest, Problem: it is refused before anything was said.
        PixelpopError: nobody knows; the update is to come again.
    """
    chosen = talk.preferences
    asked: dict[str, Any] = {
        "prompt": prompt,
        "style_id": chosen.default_style_id or "none",
        "size": chosen.default_size or "1024x1024",
        **fields,
    }
    request = checked(msgspec.convert(asked, ImageRequest))
    await send(talk, msgspec.json.encode(request))


async def send(talk: Talk, body: bytes) -> None:
    """Ask for what a body of `POST /generations` asks for, with one status message.

    Raises:
        PixelpopError: nobody knows whether it was taken; the update is to come again.
    """
    key = f"telegram:{talk.update_id}"
    generation_id = generation_id_for(talk.own.account_id, key)
    try:
        message_id = await _status(talk, generation_id)
    except TelegramRefused as error:
        # Where nothing can be said nothing is made: nobody would see it.
        _log.info("nothing was asked for: the bot cannot write there", reason=str(error))
        return
    headers = [(b"content-type", b"application/json"), (b"idempotency-key", key.encode())]
    try:
        await submit(talk.deps, headers, body, talk.own)
    except PixelpopError as error:
        decided = isinstance(error, Problem) and "generation_id" in error.members
        if message_id is not None and decided and error.code in _DECIDED:
            return  # it is in the log: who reads that edits the message
        if failing.is_worth_waiting(talk, error):
            raise
        if error.code == AppendUnknown.code and message_id is not None:
            # It may be in the log: whoever reads that finds the message.
            await talk.edit(message_id, talk.say("bot-error-unsure"))
            return
        text, rows = await failing.sentence(talk, error)
        await _refused(talk, generation_id, message_id, text, rows)


async def _status(talk: Talk, generation_id: GenerationId) -> int | None:
    """The generation's message, written if there is none yet; None: it cannot be known."""
    pool = talk.deps.pool
    known = await status_messages.find(pool, talk.own, generation_id)
    if known is not None:
        return known.message_id
    rows = under_waiting(talk.language, generation_id)
    message_id = await talk.reply(talk.say("bot-status-asked"), rows, must=True)
    if message_id is not None:
        message = StatusMessage(talk.group_id, message_id, talk.language)
        await status_messages.keep(pool, talk.own, generation_id, message)
    return message_id


async def _refused(
    talk: Talk, generation_id: GenerationId, message_id: int | None, text: str, rows: Rows
) -> None:
    if message_id is None:
        await talk.reply(text, rows)
        return
    await talk.edit(message_id, text, rows)
    await status_messages.drop(talk.deps.pool, talk.own, generation_id)
