"""`pixelpop telegram setup`: what Telegram is told, and what is found different afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from commands.wording import say
from gateway.telegram.bot.commands import COMMANDS
from gateway.telegram.setup import allowed_updates, check, set_up
from runtime.errors import SettingsError
from runtime.settings import Settings
from runtime.telegram.api import TelegramBot, open_bot
from tests.fakes.telegram import Telegram

URL = "https://pixelpop.example/"


def settings_for(telegram: Telegram, **changes: Any) -> Settings:
    known: dict[str, Any] = {
        "telegram_api_base": telegram.base_url,
        "telegram_bot_token": telegram.token,
        "telegram_webhook_secret": "first,second",
        "public_url": URL,
    }
    return msgspec.structs.replace(Settings(), **(known | changes))


@pytest_asyncio.fixture(loop_scope="session")
async def telegram() -> AsyncIterator[Telegram]:
    async with Telegram() as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def bot(telegram: Telegram) -> AsyncIterator[TelegramBot]:
    one = open_bot(settings_for(telegram))
    yield one
    await one.stop()


async def test_everything_is_told(telegram: Telegram, bot: TelegramBot) -> None:
    """Webhook with its secret and kinds, commands and descriptions in both languages, the menu
    button: all is told, found as told, and told again without harm.
    """
    for _ in range(2):
        found = await set_up(settings_for(telegram), bot)
        assert [one for one in found if not one.ok] == []
    webhook = telegram.updates.webhook
    assert (webhook.url, webhook.secret_token) == (f"{URL}telegram/webhook", "first")
    assert telegram.updates.explicit == allowed_updates()
    for language, shown in (("", "en"), ("ru", "ru")):
        commands = telegram.world.commands[f"default/{language}"]
        assert [one["command"] for one in commands] == [one.name for one in COMMANDS]
        assert commands[0]["description"] == say(shown, "bot-command-generate")
        assert telegram.world.texts[f"description/{language}"] == say(shown, "bot-description")
    assert telegram.world.menu_button["web_app"]["url"] == URL
    telegram.assert_clean()


async def test_what_differs_is_named(telegram: Telegram, bot: TelegramBot) -> None:
    """Before anything is told, and after somebody changed it elsewhere, each difference shows."""
    found = {one.what: one.ok for one in await check(settings_for(telegram), bot)}
    assert not any(found[what] for what in ("webhook", "menu button", "commands (ru)"))
    await set_up(settings_for(telegram), bot)
    telegram.world.texts["description/ru"] = "Something else"
    found = {one.what: one.ok for one in await check(settings_for(telegram), bot)}
    assert [what for what, ok in found.items() if not ok] == ["description (ru)"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"public_url": None}, "PIXELPOP_PUBLIC_URL"),
        ({"public_url": "http://pixelpop.example"}, "PIXELPOP_PUBLIC_URL"),
        ({"telegram_webhook_secret": None}, "TELEGRAM_WEBHOOK_SECRET"),
    ],
)
async def test_what_is_missing_is_named(
    telegram: Telegram, bot: TelegramBot, changes: dict[str, Any], named: str
) -> None:
    """Without a public https address or a secret nothing is told, and the setting is named."""
    with pytest.raises(SettingsError, match=named):
        await set_up(settings_for(telegram, **changes), bot)
    assert telegram.calls_of("setWebhook") == []


def test_texts_fit() -> None:
    """Descriptions fit into what Telegram takes, in each language."""
    for language in ("en", "ru"):
        assert len(say(language, "bot-description")) <= 512
        assert len(say(language, "bot-short-description")) <= 120
        assert all(1 <= len(say(language, one.described)) <= 256 for one in COMMANDS)
