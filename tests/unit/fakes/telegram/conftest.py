"""The double without limits, a client, and a bot at a webhook."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio

from tests.fakes.telegram import Telegram
from tests.fakes.telegram.plain import Api, Bot


@pytest_asyncio.fixture
async def telegram() -> AsyncIterator[Telegram]:
    async with Telegram() as one:
        one.rules.per_second = one.rules.per_chat_second = None
        yield one


@pytest_asyncio.fixture
async def api(telegram: Telegram) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as session:
        yield Api(telegram, session)


@pytest_asyncio.fixture
async def bot(api: Api) -> AsyncIterator[Bot]:
    one = Bot(api)
    await one.start()
    yield one
    await one.stop()
