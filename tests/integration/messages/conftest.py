"""A yard of one test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest_asyncio

from runtime.settings import Settings
from tests.integration.messages.yard import Yard


@pytest_asyncio.fixture(loop_scope="session")
async def yard(settings: Settings, settings_for: Callable[[str], Settings]) -> AsyncIterator[Yard]:
    async with Yard(settings_for, settings) as one:
        yield one
