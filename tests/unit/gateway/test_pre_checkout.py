"""The last question before a payment, where something is in the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio

from gateway.telegram import pre_checkout
from gateway.telegram.messages import PreCheckoutQuery, User
from gateway.telegram.updates import Update
from runtime.errors import PixelpopError
from runtime.settings import Settings
from runtime.telegram.api import TelegramBot, open_bot
from runtime.telegram.errors import TelegramSlowDown
from tests.fakes.telegram import TOKEN, Telegram


class Down(PixelpopError):
    """The database does not answer."""

    code = "database-unavailable"


@pytest_asyncio.fixture
async def telegram() -> AsyncIterator[Telegram]:
    async with Telegram() as one:
        yield one


@pytest_asyncio.fixture
async def bot(telegram: Telegram) -> AsyncIterator[TelegramBot]:
    one = open_bot(Settings(telegram_bot_token=TOKEN, telegram_api_base=telegram.base_url))
    yield one
    await one.stop()


def asked(telegram: Telegram, query_id: str | None = None) -> Update:
    """An update for a query that waits for its answer."""
    query_id = query_id or telegram.world.query(telegram.person().id).id
    query = PreCheckoutQuery(
        id=query_id,
        sender=User(id=1, language_code="en"),
        currency="XTR",
        total_amount=50,
        invoice_payload="payload",
    )
    return Update(update_id=1, pre_checkout_query=query)


def hands(bot: TelegramBot | None) -> Any:
    return SimpleNamespace(deps=SimpleNamespace(bot=bot))


def judged(monkeypatch: pytest.MonkeyPatch, verdict: str | Exception | None) -> None:
    async def judge(*_: Any) -> str | None:
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    monkeypatch.setattr(pre_checkout, "judge", judge)


@pytest.mark.parametrize("error", [Down("It is down."), TimeoutError()])
async def test_not_now(
    telegram: Telegram, bot: TelegramBot, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Where it cannot be found out in time, the answer is no, with a sentence."""
    judged(monkeypatch, error)
    assert await pre_checkout.handle(hands(bot), asked(telegram))
    (call,) = telegram.calls_of("answerPreCheckoutQuery")
    assert call.arguments["ok"] in {False, "false"}
    assert "Try again in a minute" in call.arguments["error_message"]


async def test_slow_database(
    telegram: Telegram, bot: TelegramBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that does not answer is not waited for."""

    async def judge(*_: Any) -> str | None:
        await asyncio.Event().wait()
        return None

    monkeypatch.setattr(pre_checkout, "judge", judge)
    monkeypatch.setattr(pre_checkout, "JUDGE_SECONDS", 0.05)
    assert await pre_checkout.handle(hands(bot), asked(telegram))
    assert telegram.calls_of("answerPreCheckoutQuery")


async def test_answered_already(
    telegram: Telegram, bot: TelegramBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update that comes again after it was answered is taken without effect."""
    judged(monkeypatch, None)
    update = asked(telegram)
    assert await pre_checkout.handle(hands(bot), update)
    assert not await pre_checkout.handle(hands(bot), update)


async def test_slow_down(
    telegram: Telegram, bot: TelegramBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Telegram takes no answer now, the update is not taken: Telegram sends it again."""
    judged(monkeypatch, None)
    telegram.faults["answerPreCheckoutQuery"] = ["429:3"]
    with pytest.raises(TelegramSlowDown):
        await pre_checkout.handle(hands(bot), asked(telegram))


async def test_no_bot(telegram: Telegram) -> None:
    """Without a bot nobody can answer; the update is taken all the same."""
    assert not await pre_checkout.handle(hands(None), asked(telegram))
