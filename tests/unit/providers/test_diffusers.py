"""Claims about the provider `diffusers` that need no torch: the card and its waiting line."""

from __future__ import annotations

import asyncio
import importlib.util
import threading
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from processors.providers import (
    ImageRequest,
    ProviderMisconfigured,
    ProviderUnavailable,
    TooLate,
)
from processors.providers.diffusers import DiffusersProvider, Stopped
from runtime.errors import SettingsError
from tests.fakes.files import picture
from tests.unit.providers.calls import SETTINGS, Submitting, asking


class Card:
    """Draws when it is let to; counts how many draw at once."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.started = threading.Event()
        self.at_once = 0
        self.at_once_max = 0
        self.stopped = 0

    def draw(self, request: ImageRequest, stop: threading.Event) -> list[bytes]:
        self.at_once += 1
        self.at_once_max = max(self.at_once, self.at_once_max)
        self.started.set()
        try:
            while not self.go.wait(0.01):
                if stop.is_set():
                    self.stopped += 1
                    raise Stopped
            if "[fails]" in request.prompt:
                raise RuntimeError("out of memory, and a very private boat")
            return [picture()] * request.count
        finally:
            self.at_once -= 1


@pytest.fixture
def card() -> Card:
    return Card()


@pytest_asyncio.fixture(loop_scope="session")
async def provider(card: Card) -> AsyncIterator[DiffusersProvider]:
    settings = msgspec.structs.replace(SETTINGS, diffusers_timeout_seconds=5.0)
    one = DiffusersProvider(settings, lambda: card)
    yield one
    await one.close()


async def test_one_after_another(card: Card, provider: DiffusersProvider) -> None:
    """However many are asked for at once, the card makes one request at a time."""
    requests = [provider.generate(asking("a boat"), Submitting()) for _ in range(4)]
    assert [len(one) for one in await asyncio.gather(*requests)] == [2] * 4
    assert card.at_once_max == 1


async def test_fails(provider: DiffusersProvider) -> None:
    """A card that fails is unavailable; what it says is not shown, and the next one is made."""
    with pytest.raises(ProviderUnavailable) as raised:
        await provider.generate(asking("[fails]"), Submitting())
    assert "private" not in str(raised.value)
    assert len(await provider.generate(asking("a boat"), Submitting())) == 2


async def test_too_long(card: Card) -> None:
    """After its time a request is stopped between two steps, and the card is free again."""
    settings = msgspec.structs.replace(SETTINGS, diffusers_timeout_seconds=0.05)
    one = DiffusersProvider(settings, lambda: card)
    card.go.clear()
    with pytest.raises(ProviderUnavailable):
        await one.generate(asking("a boat"), Submitting())
    assert card.stopped == 1
    card.go.set()
    await one.close()


async def test_cancelled(card: Card, provider: DiffusersProvider) -> None:
    """A worker that stops does not leave the card at work."""
    card.go.clear()
    generating = asyncio.create_task(provider.generate(asking("a boat"), Submitting()))
    await asyncio.to_thread(card.started.wait, 10)
    generating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await generating
    assert card.stopped == 1


async def test_too_late(provider: DiffusersProvider) -> None:
    """Who gets the card too late for the deadline is told so."""
    with pytest.raises(TooLate):
        await provider.generate(asking("a boat"), Submitting(may_wait_seconds=-1.0))


async def test_not_loaded() -> None:
    """A model that cannot be loaded is for somebody to look at; the worker lives on."""

    def load() -> Card:
        raise OSError("there is no such folder")

    one = DiffusersProvider(SETTINGS, load)
    with pytest.raises(ProviderMisconfigured):
        await one.generate(asking("a boat"), Submitting())
    await one.close()


def test_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the start ends with a sentence that names it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    settings = msgspec.structs.replace(SETTINGS, diffusers_model="some/model")
    with pytest.raises(SettingsError, match="its extra `diffusers`"):
        DiffusersProvider(settings)
