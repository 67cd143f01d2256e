"""The Bot API, called by aiogram's types: one try for each call, and errors of our own.

    bot = open_bot(settings)
    message = await bot.call(bot_api.methods.SendMessage(chat_id=…, text=…))
    await bot.stop()

Nothing is repeated here: who calls knows whether that is harmless (an edit) or not (a message).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from runtime.settings import Settings
from runtime.telegram.configured import has_bot

if TYPE_CHECKING:
    from aiogram.methods import TelegramMethod

    from runtime.telegram.session import Session

T = TypeVar("T")


class TelegramBot:
    """The bot. What it calls by is loaded with its first call, unless `load` did that before.

    Args:
        settings: token, address and times.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session: Session | None = None

    def load(self) -> Session:
        """Load what it calls by, which takes seconds the first time.

        Raises:
            SettingsError: TELEGRAM_BOT_TOKEN is missing or no token.
        """
        if self._session is None:
            from runtime.telegram.session import Session

            self._session = Session(self._settings)
        return self._session

    async def call(self, method: TelegramMethod[T], *, timeout_seconds: float | None = None) -> T:
        """Do one thing, once.

        Args:
            method: what, as one of `aiogram.methods`.
            timeout_seconds: how long it may take in all; None: `telegram_timeout_seconds`.

        Returns:
            What Telegram answers.

        Raises:
            TelegramBlocked: 403.
            TelegramRefused: any other answer that stays the same.
            TelegramSlowDown: 429; not before its `retry_after_seconds`.
            TelegramUnreachable: no answer; its `may_be_done` says whether it may be done.
        """
        return await self.load().call(method, timeout_seconds=timeout_seconds)

    async def stop(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.stop()


def open_bot(settings: Settings) -> TelegramBot:
    """The bot, ready for calls; `stop` it in the end.

    Where the token was made up, so that there is no bot to be called, nothing is loaded for it.

    Raises:
        SettingsError: TELEGRAM_BOT_TOKEN is missing or no token.
    """
    bot = TelegramBot(settings)
    if has_bot(settings) or not settings.telegram_bot_token:
        bot.load()
    return bot
