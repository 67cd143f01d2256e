"""Changing a photo by words: `/edit`, as a caption, as a reply to any photo, or step by step.

A photo is what was sent in a chat, by its file id, or a picture of the person's own, by its image
id. Either becomes an upload in the way that every upload takes; the update's number is its name, so
that an update that comes again finds it there.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from events.ids import derive
from gateway.generations.sources import picture_of
from gateway.telegram import files
from gateway.telegram.bot import asking, dialogues
from gateway.telegram.bot.dialogues import Dialogue
from gateway.telegram.bot.talk import Talk
from gateway.telegram.messages import Document, Message, PhotoSize

KIND: Final = "edit"
WAITS_FOR_PHOTO: Final = "edit-photo"
"""The step in which the next photo is the one to change; what was said is how."""
WAITS_FOR_WORDS: Final = "edit-words"
"""The step in which the next words say how; what was said is the photo."""
OWN: Final = "picture:"
"""What names a picture of the person's own begins with; no file id of Telegram's does."""


async def edit(talk: Talk, message: Message, words: str) -> None:
    """Change the photo of this message, or of the one that it answers; ask for what is missing."""
    await go_on(talk, photo_in(message), words)


async def go_on(talk: Talk, photo: str, words: str) -> None:
    """With a photo and words: do it. With one of them: ask for the other.

    Raises:
        Problem: the photo is not taken.
        PixelpopError: nobody knows; the update is to come again.
    """
    pool = talk.deps.pool
    if photo and words:
        upload_id = await _uploaded(talk, photo)
        body = {"kind": KIND, "prompt": words, "upload_ids": [upload_id]}
        await asking.send(talk, msgspec.json.encode(body))
        await dialogues.end(pool, talk.own)
    elif not talk.is_private:
        await talk.reply(talk.say("bot-edit-usage"))
    elif photo:
        await dialogues.begin(pool, talk.own, talk.update_id, Dialogue(WAITS_FOR_WORDS, photo))
        await talk.reply(talk.say("bot-edit-ask-words"))
    else:
        await dialogues.begin(pool, talk.own, talk.update_id, Dialogue(WAITS_FOR_PHOTO, words))
        await talk.reply(talk.say("bot-edit-ask-photo"))


async def _uploaded(talk: Talk, photo: str) -> str:
    """The photo as an upload of the person's; its id."""
    deps = talk.deps
    upload_id = UUID(derive("telegram-upload", talk.own.account_id, str(talk.update_id)))
    if photo.startswith(OWN):
        data = await picture_of(deps, talk.own, UUID(photo.removeprefix(OWN)))
        upload = await deps.uploads.hand_over(talk.own, upload_id, "image/png", data)
    else:
        data = await files.fetch(talk.bot, deps.settings, photo)
        upload = await deps.uploads.hand_over(talk.own, upload_id, "image/jpeg", data)
    return str(upload.upload_id)


def photo_in(message: Message) -> str:
    """The file id of the photo that is meant, in its largest size; empty: there is none."""
    replied = message.reply_to_message
    for one in (message, None if isinstance(replied, msgspec.UnsetType) else replied):
        if one is None:
            continue
        if one.photo:
            return max(one.photo, key=_pixels).file_id
        if isinstance(one.document, Document) and one.document.mime_type.startswith("image/"):
            return one.document.file_id
    return ""


def _pixels(size: PhotoSize) -> int:
    return size.width * size.height
