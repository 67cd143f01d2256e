"""Messages as calls of the Bot API, and what its refusals mean."""

from __future__ import annotations

from typing import Any, Final

from commands.bot_buttons import Rows, markup
from processors.messages.composing import Content, Place
from runtime.telegram import bot_api
from runtime.telegram.errors import TelegramBlocked, TelegramRefused

TEXT_MAX: Final = 4096
CAPTION_MAX: Final = 1024

_UNCHANGED: Final = "message is not modified"
_GONE: Final = ("message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID")
_OVERTAKEN: Final = "there is no text in the message to edit"
_NO_SUCH_CHAT: Final = ("chat not found", "group chat was upgraded")
_PHOTO: Final = ("PHOTO_", "IMAGE_PROCESS_FAILED", "wrong file", "file is too big", "photo")
_FOR_EVER: Final = ("blocked by the user", "user is deactivated")
_BOT_REFUSED: Final = frozenset({401, 404})
_TOO_LARGE: Final = 413

BLOCKED: Final = "blocked"
"""A person blocked the bot, or their Telegram account is no more."""


def call_of(
    place: Place, content: Content, photo: bytes | None
) -> bot_api.methods.TelegramMethod[Any]:
    """The call that sends or edits a message.

    Args:
        place: where; it says what to edit, if anything.
        content: what it says.
        photo: the picture itself; None: it has none.
    """
    keyboard = _keyboard(content.rows)
    if photo is None:
        text = content.text[:TEXT_MAX]
        plain = bot_api.types.LinkPreviewOptions(is_disabled=True)
        if place.edits is not None:
            return bot_api.methods.EditMessageText(
                chat_id=place.chat_id,
                message_id=place.edits,
                text=text,
                parse_mode=None,
                link_preview_options=plain,
                reply_markup=keyboard,
            )
        return bot_api.methods.SendMessage(
            chat_id=place.chat_id,
            text=text,
            parse_mode=None,
            link_preview_options=plain,
            reply_markup=keyboard,
            reply_parameters=_reply(place),
        )
    file = bot_api.types.BufferedInputFile(photo, "pixelpop.png")
    caption = content.text[:CAPTION_MAX]
    if place.edits is not None:
        return bot_api.methods.EditMessageMedia(
            chat_id=place.chat_id,
            message_id=place.edits,
            media=bot_api.types.InputMediaPhoto(media=file, caption=caption, parse_mode=None),
            reply_markup=keyboard,
        )
    return bot_api.methods.SendPhoto(
        chat_id=place.chat_id,
        photo=file,
        caption=caption,
        parse_mode=None,
        reply_markup=keyboard,
        reply_parameters=_reply(place),
    )


def is_done(error: TelegramRefused) -> bool:
    """Whether the message says it already."""
    return _UNCHANGED in error.description


def is_gone(error: TelegramRefused) -> bool:
    """Whether there is no message that could be edited."""
    return any(said in error.description for said in _GONE)


def is_no_photo(error: TelegramRefused) -> bool:
    """Whether it is the picture that Telegram does not take."""
    return error.status == _TOO_LARGE or any(said in error.description for said in _PHOTO)


def no_way(error: TelegramRefused) -> str | None:
    """Why there is nobody to tell, in a word; None: that is not what the refusal says."""
    if isinstance(error, TelegramBlocked):
        # What holds until the person changes it, Telegram tells when they do; of a person who never
        # began a chat, and of a group that threw the bot out, it will not say when that is over.
        return BLOCKED if any(said in error.description for said in _FOR_EVER) else "closed"
    if _OVERTAKEN in error.description:
        return "overtaken"
    if is_gone(error) or any(said in error.description for said in _NO_SUCH_CHAT):
        return "nowhere"
    return None


def refuses_bot(error: TelegramRefused) -> bool:
    """Whether it is the bot that Telegram does not know: its token is wrong."""
    return error.status in _BOT_REFUSED


def _keyboard(rows: Rows) -> bot_api.types.InlineKeyboardMarkup | None:
    return bot_api.types.InlineKeyboardMarkup.model_validate(markup(rows)) if rows else None


def _reply(place: Place) -> bot_api.types.ReplyParameters | None:
    if place.replies_to is None:
        return None
    return bot_api.types.ReplyParameters(
        message_id=place.replies_to, allow_sending_without_reply=True
    )
