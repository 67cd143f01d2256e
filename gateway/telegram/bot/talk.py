"""One update at work: who speaks, where, in which language; and how the bot answers there.

An answer that Telegram refuses for good (the person blocked the bot, the message is gone) is
noted, and the update is done all the same: what it led to stands in the log.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from commands.bot_buttons import Button, Rows, markup
from commands.wording import Argument, say
from gateway.account.profile import Preferences
from gateway.identity.signed_in import Account
from gateway.telegram.bot.addresses import app_address
from gateway.telegram.messages import Chat, User
from runtime.telegram import bot_api
from runtime.telegram.api import TelegramBot
from runtime.telegram.errors import TelegramRefused, TelegramSlowDown, TelegramUnreachable

if TYPE_CHECKING:
    from gateway.deps import Deps

_log = structlog.get_logger(__name__)
T = TypeVar("T")

PRIVATE: Final = "private"
TOAST_CHARS_MAX: Final = 200
"""AnswerCallbackQuery: "0-200 characters"."""
PAUSE_SECONDS_MAX: Final = 3
"""For a longer one nobody waits here: the update comes again."""


@dataclass(slots=True, kw_only=True)
class Talk:
    """What everything that the bot does works with."""

    deps: Deps
    bot: TelegramBot
    update_id: int
    user: User
    chat: Chat
    message_id: int
    """What the person wrote; or the bot's message under which they pressed a button."""
    said_at: int
    """In seconds since 1970, by Telegram's clock; when a button was pressed nobody says, and it is
    when the update came first."""
    language: str
    """An IETF language tag."""
    query_id: str = ""
    """Of a pressed button, to be answered."""
    account: Account | None = None
    preferences: Preferences = field(default_factory=Preferences)

    @property
    def is_private(self) -> bool:
        """Whether this is the person's own chat with the bot."""
        return self.chat.type == PRIVATE

    @property
    def group_id(self) -> int | None:
        """The group's id; None in the person's own chat."""
        return None if self.is_private else self.chat.id

    @property
    def own(self) -> Account:
        """The account, where it was made sure that there is one."""
        assert self.account is not None
        return self.account

    def say(self, key: str, /, **arguments: Argument) -> str:
        """A sentence in the person's language."""
        return say(self.language, key, **arguments)

    async def app_row(self, **query: str) -> Rows:
        """A row with the button that opens the app; none where the app has no address."""
        address = await app_address(self.deps, is_private=self.is_private, **query)
        if address is None:
            return ()
        text = self.say("bot-button-open")
        if self.is_private:
            return ((Button(text, web_app=address),),)
        return ((Button(text, url=address),),)

    async def reply(self, text: str, rows: Rows = (), *, must: bool = False) -> int | None:
        """Answer in the chat; the message's id, or None if there is none, or nobody knows.

        Args:
            text: what to say.
            rows: of buttons.
            must: whether a refusal is an error, for nothing is to be done unless it can be said.

        Raises:
            TelegramSlowDown, TelegramUnreachable: nothing was sent; the update is to come again.
            TelegramRefused: it `must` be said, and cannot.
        """
        method = bot_api.methods.SendMessage(
            chat_id=self.chat.id,
            text=text,
            reply_markup=_keyboard(rows),
            link_preview_options=_no_preview(),
            reply_parameters=None
            if self.is_private
            else bot_api.types.ReplyParameters(
                message_id=self.message_id, allow_sending_without_reply=True
            ),
        )
        sent = await self._once(method, must=must)
        return None if sent is None else sent.message_id

    async def edit(self, message_id: int, text: str, rows: Rows = ()) -> None:
        """Change a message of the bot's.

        Raises:
            TelegramSlowDown, TelegramUnreachable: it was not changed.
        """
        method = bot_api.methods.EditMessageText(
            chat_id=self.chat.id,
            message_id=message_id,
            text=text,
            reply_markup=_keyboard(rows),
            link_preview_options=_no_preview(),
        )
        await self._once(method)

    async def change_buttons(self, rows: Rows) -> None:
        """Put other buttons under the message whose button was pressed."""
        method = bot_api.methods.EditMessageReplyMarkup(
            chat_id=self.chat.id, message_id=self.message_id, reply_markup=_keyboard(rows)
        )
        await self._once(method)

    async def delete(self) -> bool:
        """Take the message away whose button was pressed; whether that could be done."""
        method = bot_api.methods.DeleteMessage(chat_id=self.chat.id, message_id=self.message_id)
        return await self._once(method) is not None

    async def toast(self, text: str = "", *, alert: bool = False) -> None:
        """Answer a pressed button: without that, it goes on turning."""
        query_id, self.query_id = self.query_id, ""
        if query_id:
            method = bot_api.methods.AnswerCallbackQuery(
                callback_query_id=query_id, text=text or None, show_alert=alert or None
            )
            await self._once(method)

    async def tell(self, text: str, rows: Rows = ()) -> None:
        """Say something: above a pressed button if it was one and that is all, else in the chat."""
        if self.query_id and not rows:
            await self.toast(text[:TOAST_CHARS_MAX], alert=True)
        else:
            await self.reply(text, rows)

    async def _once(
        self, method: bot_api.methods.TelegramMethod[T], *, must: bool = False
    ) -> T | None:
        try:
            return await self._paced(method)
        except TelegramRefused as error:
            if must:
                raise
            _log.info("telegram took no answer", method=type(method).__name__, reason=str(error))
        except TelegramUnreachable as error:
            if not error.may_be_done:
                raise
            _log.warning("an answer may be lost", method=type(method).__name__, reason=str(error))
        return None

    async def _paced(self, method: bot_api.methods.TelegramMethod[T]) -> T:
        """One call; where Telegram asks for a short pause, once more after it."""
        try:
            return await self.bot.call(method)
        except TelegramSlowDown as error:
            if error.retry_after_seconds > PAUSE_SECONDS_MAX:
                raise
            await asyncio.sleep(error.retry_after_seconds)
        return await self.bot.call(method)


def _no_preview() -> bot_api.types.LinkPreviewOptions:
    return bot_api.types.LinkPreviewOptions(is_disabled=True)


def _keyboard(rows: Rows) -> bot_api.types.InlineKeyboardMarkup | None:
    return bot_api.types.InlineKeyboardMarkup.model_validate(markup(rows)) if rows else None
