"""aiogram's bot, with errors of our own. Loading this module takes seconds: see `bot_api`."""

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


class Session(Bot):
    """A bot of aiogram's whose `call` raises our errors.

    Args:
        settings: token, address and times.

    Raises:
        SettingsError: TELEGRAM_BOT_TOKEN is missing or no token.
    """

    def __init__(self, settings: Settings) -> None:
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
            super().__init__(settings.telegram_bot_token, session=session)
        except TokenValidationError:
            raise SettingsError("TELEGRAM_BOT_TOKEN is not the token of a bot.") from None

    async def call(self, method: TelegramMethod[T], *, timeout_seconds: float | None = None) -> T:
        """See `TelegramBot.call`."""
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


def _server(settings: Settings) -> TelegramAPIServer:
    base = settings.telegram_api_base.rstrip("/")
    place = "/test" if settings.telegram_environment == "test" else ""
    return TelegramAPIServer(
        base=f"{base}/bot{{token}}{place}/{{method}}",
        file=f"{base}/file/bot{{token}}{place}/{{path}}",
    )
