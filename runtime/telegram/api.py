"""The Bot API, called by aiogram's types: one try for each call, and errors of our own.

    bot = open_bot(settings)
    message = await bot.call(SendMessage(chat_id=…, text=…))
    await bot.stop()

Nothing is repeated here: who calls knows whether that is harmless (an edit) or not (a message).
"""

from __future__ import annotations

from typing import Final, TypeVar

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    AiogramError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.methods import TelegramMethod
from aiogram.utils.token import TokenValidationError
from aiohttp import ClientConnectorError, ClientTimeout, ConnectionTimeoutError

from runtime.errors import SettingsError
from runtime.settings import Settings
from runtime.telegram.errors import (
    TelegramBlocked,
    TelegramRefused,
    TelegramSlowDown,
    TelegramUnreachable,
)

T = TypeVar("T")

_STATUS: Final[dict[type[TelegramAPIError], int]] = {
    TelegramBadRequest: 400,
    TelegramUnauthorizedError: 401,
    TelegramNotFound: 404,
    TelegramConflictError: 409,
    TelegramEntityTooLarge: 413,
    TelegramMigrateToChat: 400,
}


class TelegramBot(Bot):
    """A bot of aiogram's whose `call` raises our errors."""

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
        try:
            return await self.session(self, method, timeout=timeout_seconds)  # type: ignore[arg-type]  # passed on to aiohttp, which takes parts of a second
        except TelegramNetworkError as error:
            # Only where no connection came about is it sure that nothing was sent.
            sent = not isinstance(error.__cause__, ClientConnectorError | ConnectionTimeoutError)
            raise TelegramUnreachable(self._hiding(str(error)), may_be_done=sent) from None
        except TelegramRetryAfter as error:
            raise TelegramSlowDown(int(error.retry_after)) from None
        except TelegramForbiddenError as error:
            raise TelegramBlocked(self._hiding(error.message)) from None
        except tuple(_STATUS) as error:
            raise TelegramRefused(self._hiding(error.message), _STATUS[type(error)]) from None
        except AiogramError as error:
            # 5xx, or an answer that is none: Telegram may have done it before it failed.
            said = self._hiding(str(error)).splitlines()[0]
            raise TelegramUnreachable(f"Telegram failed: {said}", may_be_done=True) from None

    async def stop(self) -> None:
        """Close its connections."""
        await self.session.close()

    def _hiding(self, text: str) -> str:
        """Without the bot's token, which stands in the address of every call."""
        return text.replace(self.token, "(hidden)")


def open_bot(settings: Settings) -> TelegramBot:
    """The bot, ready for calls; `stop` it in the end.

    Raises:
        SettingsError: TELEGRAM_BOT_TOKEN is missing or no token.
    """
    if not settings.telegram_bot_token:
        raise SettingsError("TELEGRAM_BOT_TOKEN is not set.")
    session = AiohttpSession(
        limit=settings.telegram_connections,
        api=_server(settings),
        timeout=ClientTimeout(
            total=settings.telegram_timeout_seconds,
            sock_connect=settings.telegram_connect_timeout_seconds,
        ),
    )
    try:
        return TelegramBot(settings.telegram_bot_token, session=session)
    except TokenValidationError:
        raise SettingsError("TELEGRAM_BOT_TOKEN is not the token of a bot.") from None


def _server(settings: Settings) -> TelegramAPIServer:
    base = settings.telegram_api_base.rstrip("/")
    place = "/test" if settings.telegram_environment == "test" else ""
    return TelegramAPIServer(
        base=f"{base}/bot{{token}}{place}/{{method}}",
        file=f"{base}/file/bot{{token}}{place}/{{path}}",
    )
