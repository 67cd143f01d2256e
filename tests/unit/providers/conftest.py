"""Providers before strict stand-ins for their APIs, with little patience."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from processors.providers import fal as fal_module
from processors.providers import json_api, polling
from processors.providers import replicate as module
from processors.providers.fal import FalProvider
from processors.providers.replicate import ReplicateProvider
from tests.fakes.fal import Fal
from tests.fakes.replicate import Replicate
from tests.unit.providers.calls import SETTINGS, Silence, of_fal


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


@pytest.fixture(autouse=True)
def _impatient_fal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fal_module, "GRACE_SECONDS", 0.0)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fal_server() -> AsyncIterator[Fal]:
    fake = Fal()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def fal(fal_server: Fal) -> Fal:
    fal_server.forget()
    return fal_server


@pytest.fixture(scope="module")
def silence() -> Silence:
    return Silence()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_fal(fal_server: Fal, silence: Silence) -> AsyncIterator[FalProvider]:
    one = FalProvider(of_fal(fal_server), silence)
    yield one
    await one.close()


@pytest.fixture
def fal_provider(fal: Fal, shared_fal: FalProvider) -> FalProvider:
    return shared_fal
