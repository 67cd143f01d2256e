"""`pixelpop telegram poll`: every update reaches the gateway, in order, though both have faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web

from gateway.telegram import polling
from gateway.telegram.guard import HEADER
from runtime.errors import StartError
from runtime.settings import Settings
from runtime.waiting import until
from tests.fakes.telegram import Telegram


class Gateway:
    """Takes updates; `statuses` is what it says first."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.secrets: set[str] = set()
        self.statuses: list[int] = []
        app = web.Application()
        app.router.add_post("/telegram/webhook", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        self.port = 0

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.secrets.add(request.headers.get(HEADER.decode(), ""))
        update = await request.json()
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.taken.append(update["update_id"])
        return web.Response(status=status)


@pytest_asyncio.fixture(loop_scope="session")
async def gateway() -> AsyncIterator[Gateway]:
    one = Gateway()
    await one.start()
    yield one
    await one.stop()


def settings_for(telegram: Telegram, gateway: Gateway, folder: Path, **rest: Any) -> Settings:
    known: dict[str, Any] = {
        "telegram_api_base": telegram.base_url,
        "telegram_bot_token": telegram.token,
        "telegram_webhook_secret": "right,next",
        "telegram_poll_seconds": 1,
        "data_dir": folder,
        "port": gateway.port,
    }
    return msgspec.structs.replace(Settings(), **(known | rest))


async def test_all_arrive_in_order(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten updates reach the gateway in order, each once, though Telegram and the gateway fail in
    between; one that the gateway refuses for good holds nobody up. The kinds are asked for.
    """
    monkeypatch.setattr(polling, "PAUSE_SECONDS", 0.01)
    async with Telegram() as telegram:
        settings = settings_for(telegram, gateway, tmp_path)
        gateway.statuses = [503, 500, 200, 422]
        telegram.faults["getUpdates"] = ["", "500", "drop"]
        stop = asyncio.Event()
        task = asyncio.create_task(polling.main(settings, stop))
        anna = telegram.person()
        for number in range(10):
            anna.sends(f"/generate {number}")
        await until(lambda: len(gateway.taken) == 9, 20, what="the updates")
        await until(lambda: not telegram.updates.pending, 20, what="them to be confirmed")
        stop.set()
        await task
    first = 100_000_001
    assert gateway.taken == [first, *range(first + 2, first + 10)]
    assert gateway.secrets == {"right"}
    assert telegram.updates.explicit is not None
    assert "callback_query" in telegram.updates.explicit


@pytest.mark.parametrize("name", ["telegram_bot_token", "telegram_webhook_secret"])
async def test_what_is_missing_is_named(gateway: Gateway, tmp_path: Path, name: str) -> None:
    """Without a token or a secret it does not start, and says which setting is missing."""
    async with Telegram() as telegram:
        settings = settings_for(telegram, gateway, tmp_path, **{name: None})
        with pytest.raises(StartError, match=name.upper()):
            await polling.main(settings, asyncio.Event())
