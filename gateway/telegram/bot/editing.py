"""Changing a photo by words: `/edit`, as a caption, as a reply to any photo, or step by step.

The kind `edit` cannot be made yet (`commands.requests.LATER_KINDS`). Until it can, the bot says so
before it asks for anything, and never takes a photo that it could not use.
"""

from __future__ import annotations

from typing import Final

import msgspec

from commands.requests import LATER_KINDS
from gateway.telegram.bot import asking, dialogues
from gateway.telegram.bot.dialogues import Dialogue
from gateway.telegram.bot.talk import Talk
from gateway.telegram.messages import Message, PhotoSize

KIND: Final = "edit"
WAITS_FOR_PHOTO: Final = "edit-photo"
"""The step in which the next photo is the one to change; what was said is how."""
WAITS_FOR_WORDS: Final = "edit-words"
"""The step in which the next words say how; what was said is the photo's file id."""


def is_offered() -> bool:
    """Whether photos can be changed here."""
    return KIND not in LATER_KINDS


async def edit(talk: Talk, message: Message, words: str) -> None:
    """Change the photo of this message, or of the one that it answers; ask for what is missing."""
    if not is_offered():
        await talk.reply(talk.say("bot-edit-not-yet"))
        return
    await go_on(talk, photo_in(message), words)


async def go_on(talk: Talk, photo: str, words: str) -> None:
    """With a photo and words: do it. With one of them: ask for the other."""
    pool = talk.deps.pool
    if photo and words:
        await dialogues.end(pool, talk.own)
        body = {"kind": KIND, "prompt": words, "upload_ids": [photo]}
        await asking.send(talk, msgspec.json.encode(body))
    elif not talk.is_private:
        await talk.reply(talk.say("bot-edit-usage"))
    elif photo:
        await dialogues.begin(pool, talk.own, talk.update_id, Dialogue(WAITS_FOR_WORDS, photo))
        await talk.reply(talk.say("bot-edit-ask-words"))
    else:
        await dialogues.begin(pool, talk.own, talk.update_id, Dialogue(WAITS_FOR_PHOTO, words))
        await talk.reply(talk.say("bot-edit-ask-photo"))


def photo_in(message: Message) -> str:
    """The file id of the photo that is meant, in its largest size; empty: there is none."""
    replied = message.reply_to_message
    for sizes in (message.photo, () if replied is msgspec.UNSET else replied.photo):
        if sizes:
            return max(sizes, key=_pixels).file_id
    return ""


def _pixels(size: PhotoSize) -> int:
    return size.width * size.height
