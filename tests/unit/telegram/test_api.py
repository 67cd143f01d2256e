"""Calls of the Bot API: what comes back, and what each failure is called."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiogram.methods import GetMe, SendMessage

from runtime.errors import SettingsError
from runtime.settings import Settings
from runtime.telegram.api import TelegramBot, open_bot
from runtime.telegram.errors import (
    TelegramBlocked,
    TelegramRefused,
    TelegramSlowDown,
    TelegramUnreachable,
)
from tests.fakes.telegram import TOKEN, Telegram


@pytest_asyncio.fixture
async def telegram() -> AsyncIterator[Telegram]:
    async with Telegram() as telegram:
        yield telegram


@pytest_asyncio.fixture
async def bot(telegram: Telegram) -> AsyncIterator[TelegramBot]:
    bot = open_bot(Settings(telegram_bot_token=TOKEN, telegram_api_base=telegram.base_url))
    yield bot
    await bot.stop()


async def test_call(telegram: Telegram, bot: TelegramBot) -> None:
    """A call answers with what Telegram answers, and is made once."""
    assert (await bot.call(GetMe())).is_bot
    assert [call.method for call in telegram.calls] == ["getMe"]


@pytest.mark.parametrize("fault", ["drop", "lost", "500", "502", "malformed"])
async def test_unknown(telegram: Telegram, bot: TelegramBot, fault: str) -> None:
    """Where nobody knows whether it is done, one try is made and the error says so."""
    telegram.faults["getMe"] = [fault]
    with pytest.raises(TelegramUnreachable) as raised:
        await bot.call(GetMe())
    assert raised.value.may_be_done
    assert TOKEN not in str(raised.value)
    assert len(telegram.calls) == 1


async def test_late(telegram: Telegram, bot: TelegramBot) -> None:
    """A call that takes too long may be done."""
    telegram.faults["getMe"] = ["late:5"]
    with pytest.raises(TelegramUnreachable) as raised:
        await bot.call(GetMe(), timeout_seconds=0.1)
    assert raised.value.may_be_done


async def test_no_connection() -> None:
    """Where no connection came about, nothing was done."""
    bot = open_bot(Settings(telegram_bot_token=TOKEN, telegram_api_base="http://127.0.0.1:1"))
    with pytest.raises(TelegramUnreachable) as raised:
        await bot.call(GetMe())
    assert not raised.value.may_be_done
    await bot.stop()


async def test_slow_down(telegram: Telegram, bot: TelegramBot) -> None:
    """429 says for how long nothing may be sent."""
    telegram.faults["getMe"] = ["429:7"]
    with pytest.raises(TelegramSlowDown) as raised:
        await bot.call(GetMe())
    assert raised.value.retry_after_seconds == 7


async def test_refused(telegram: Telegram, bot: TelegramBot) -> None:
    """A bot that may not write to somebody is blocked; any other refusal keeps Telegram's words."""
    with pytest.raises(TelegramBlocked):
        await bot.call(SendMessage(chat_id=telegram.person().document["id"], text="Hello"))
    with pytest.raises(TelegramRefused) as raised:
        await bot.call(SendMessage(chat_id=1, text="Hello"))
    assert raised.value.status == 400
    assert "chat not found" in raised.value.description


@pytest.mark.parametrize("token", [None, "no token"])
def test_no_token(token: str | None) -> None:
    """Without a token there is no bot, and the sentence does not show what was set."""
    with pytest.raises(SettingsError, match="TELEGRAM_BOT_TOKEN"):
        open_bot(Settings(telegram_bot_token=token))


def test_test_environment() -> None:
    """A bot of Telegram's test servers is called at their addresses."""
    bot = open_bot(Settings(telegram_bot_token=TOKEN, telegram_environment="test"))
    assert bot.load().session.api.api_url(TOKEN, "getMe").endswith(f"/bot{TOKEN}/test/getMe")
