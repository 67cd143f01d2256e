"""What the bot is called, for addresses that lead to it (`https://t.me/<name>`).

Telegram is asked once (`getMe`); while it does not answer, there is no such address, and it is
asked again a while later.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from runtime.errors import PixelpopError
from runtime.telegram import bot_api
from runtime.telegram.api import TelegramBot

_log = structlog.get_logger(__name__)

TIMEOUT_SECONDS: Final = 2.0
AGAIN_SECONDS: Final = 30.0
"""After an answer that did not come."""


class BotName:
    """Knows the name.

    Args:
        bot: asked; None: there is no bot.
        clock: seconds that never go back.
    """

    def __init__(
        self, bot: TelegramBot | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bot = bot
        self._clock = clock
        self._name: str | None = None
        self._not_before = float("-inf")
        self._asking = asyncio.Lock()

    async def ask(self) -> str | None:
        """The bot's name without `@`; None: there is no bot, or that is not known now."""
        if self._name is not None or self._bot is None:
            return self._name
        async with self._asking:
            if self._name is None and self._clock() >= self._not_before:
                await self._learn(self._bot)
        return self._name

    async def _learn(self, bot: TelegramBot) -> None:
        try:
            me = await bot.call(bot_api.methods.GetMe(), timeout_seconds=TIMEOUT_SECONDS)
        except PixelpopError as error:
            self._not_before = self._clock() + AGAIN_SECONDS
            _log.warning("the bot's name is not known", code=error.code, reason=str(error))
        else:
            self._name = me.username
