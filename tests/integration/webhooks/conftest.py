"""A yard of one test's own, and a receiver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest_asyncio

from runtime.settings import Settings
from tests.fakes.receiver import Receiver
from tests.integration.webhooks.yard import Yard


@pytest_asyncio.fixture(loop_scope="session")
async def yard(settings: Settings, settings_for: Callable[[str], Settings]) -> AsyncIterator[Yard]:
    async with Yard(settings_for, settings) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as one:
        yield one
