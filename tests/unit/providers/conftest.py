"""The provider `replicate` before a strict stand-in for its API, with little patience."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from processors.providers import json_api, polling
from processors.providers import replicate as module
from processors.providers.replicate import ReplicateProvider
from tests.fakes.replicate import Replicate
from tests.unit.providers.calls import SETTINGS, Silence


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "POLL_SECONDS_FIRST", 0.02)
    monkeypatch.setattr(polling, "POLL_SECONDS_MAX", 0.05)
    monkeypatch.setattr(polling, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(json_api, "REQUEST_SECONDS_MAX", 1.0)


@pytest_asyncio.fixture(loop_scope="session")
async def api() -> AsyncIterator[Replicate]:
    fake = Replicate()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def news() -> Silence:
    return Silence()


@pytest_asyncio.fixture(loop_scope="session")
async def provider(api: Replicate, news: Silence) -> AsyncIterator[ReplicateProvider]:
    one = ReplicateProvider(
        msgspec.structs.replace(SETTINGS, replicate_base_url=api.base_url), news
    )
    yield one
    await one.close()
