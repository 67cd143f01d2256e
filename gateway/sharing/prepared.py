"""A share as a message that Telegram keeps for its owner to send.

https://core.telegram.org/bots/api#savepreparedinlinemessage: the MiniApp hands its id to
`shareMessage`, and the person chooses a chat.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

import structlog

from commands.wording import say
from gateway.identity.signed_in import Account
from gateway.sharing.addresses import make_yours, page_of, photo_of
from gateway.sharing.codes import code_of
from gateway.sharing.ending import QUERIES
from gateway.sharing.making import Share, ms
from gateway.sharing.photos import shown_size
from runtime.errors import PixelpopError
from runtime.postgres.pool import as_account
from runtime.telegram import bot_api

if TYPE_CHECKING:
    from gateway.deps import Deps

_log = structlog.get_logger(__name__)

TIMEOUT_SECONDS: Final = 4.0
"""How long a share may wait for Telegram: its link is good without."""


class Prepared(NamedTuple):
    """What Telegram keeps."""

    message_id: str
    expires_at_ms: int


async def prepare(
    deps: Deps, account: Account, share: Share, *, size: tuple[int, int], language: str
) -> Prepared | None:
    """Have Telegram keep the message; None: the person is not there, or Telegram does not answer.

    Args:
        deps: parts.
        account: whose share it is.
        share: open.
        size: of the picture, width and height in pixels.
        language: of what the button says, an IETF tag.

    Raises:
        PixelpopError: the database is away.
    """
    if deps.bot is None or deps.settings.public_url is None:
        return None
    async with as_account(deps.pool, account.uuid) as connection:
        telegram_id = await connection.fetchval(QUERIES.get_telegram, account.uuid)
    if telegram_id is None:
        return None
    code = code_of(account, share.share_id)
    method = bot_api.methods.SavePreparedInlineMessage(
        user_id=int(telegram_id),
        result=await as_message(deps, share.share_id, code, size=size, language=language),
        allow_user_chats=True,
        allow_group_chats=True,
        allow_channel_chats=True,
    )
    try:
        kept = await deps.bot.call(method, timeout_seconds=TIMEOUT_SECONDS)
    except PixelpopError as error:
        _log.warning("no message was prepared", code=error.code, reason=str(error))
        return None
    until = kept.expiration_date
    # aiogram leaves this one as Telegram writes it: seconds since 1970.
    return Prepared(kept.id, ms(until) if isinstance(until, datetime) else int(str(until)) * 1000)


async def as_message(
    deps: Deps, share_id: UUID, code: str, *, size: tuple[int, int], language: str
) -> bot_api.types.InlineQueryResultPhoto:
    """A link as what a person sends: the picture, and buttons to make one like it and to open it.

    Args:
        deps: parts.
        share_id: of the link.
        code: the end of its address.
        size: of the picture, width and height in pixels.
        language: of the buttons, an IETF tag.
    """
    settings = deps.settings
    width, height = shown_size(*size)
    name = await deps.bot_name.ask()
    button = bot_api.types.InlineKeyboardButton(
        text=say(language, "sharing-make-yours"), url=make_yours(settings, code, name)
    )
    look = bot_api.types.InlineKeyboardButton(
        text=say(language, "sharing-open-link"), url=page_of(settings, code)
    )
    return bot_api.types.InlineQueryResultPhoto(
        id=str(share_id),
        photo_url=photo_of(settings, code),
        thumbnail_url=photo_of(settings, code),
        photo_width=width,
        photo_height=height,
        reply_markup=bot_api.types.InlineKeyboardMarkup(inline_keyboard=[[button], [look]]),
    )
