"""When `pixelpop up` fetches updates itself."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from rich.console import Console

from runtime.preparing import Plan
from runtime.settings import Settings
from runtime.up import Up

TOKEN = "7000000001:AAF-some_token_of_a_bot_0123456789abcdef"


def up(**changes: Any) -> tuple[Up, Settings]:
    settings = msgspec.structs.replace(Settings(), **changes)
    return Up(settings, Plan(settings.data_dir, []), {}, console=Console()), settings


@pytest.mark.parametrize(
    ("changes", "polls"),
    [
        ({}, False),
        ({"telegram_bot_token": TOKEN}, True),
        ({"telegram_bot_token": TOKEN, "public_url": "http://localhost:8000"}, True),
        ({"telegram_bot_token": TOKEN, "public_url": "https://pixelpop.example"}, False),
        ({"telegram_bot_token": TOKEN, "telegram_poll": False}, False),
        ({"public_url": "https://pixelpop.example"}, False),
    ],
)
def test_who_fetches(changes: dict[str, Any], polls: bool) -> None:
    """Only for a bot of somebody's own that Telegram cannot bring updates to; then the gateway
    is given a secret if it has none, and one that was set stays.
    """
    one, settings = up(**changes)
    assert one._polls() is polls
    secret = one._believed(settings).telegram_webhook_secret
    assert (secret is not None) is polls
    one, settings = up(**changes, telegram_webhook_secret="mine")
    assert one._believed(settings).telegram_webhook_secret == "mine"
