"""What a provider is given in tests: a call, news and a request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import msgspec

from events.ids import GenerationId
from processors.providers import ImageRequest, ProviderUncertain
from runtime.settings import Settings
from tests.fakes.fal import KEY, Fal
from tests.fakes.replicate import TOKEN

GENERATION = GenerationId("7e5ba6f0-0000-5000-8000-000000000001")

SETTINGS = Settings(
    replicate_api_token=TOKEN,
    replicate_timeout_seconds=0.4,
    provider_backoff_seconds_max=0.01,
    provider_allowed_networks="127.0.0.1/32",
    provider_picture_bytes_max=1_000_000,
)


class Submitting:
    """A call that may start unless it is told otherwise, and remembers what was submitted."""

    attempt = 1

    def __init__(self, may_wait_seconds: float = 60.0) -> None:
        self.may_wait_seconds = may_wait_seconds
        self.asked: list[float] = []
        self.references: list[str] = []
        self.losses: list[ProviderUncertain] = []
        self.shown: list[tuple[int, bytes]] = []
        self.wasted_pictures = 0

    def wasted(self, pictures: int) -> None:
        self.wasted_pictures += pictures

    def show(self, index: int, data: bytes) -> None:
        self.shown.append((index, data))

    def may_start(self, after_seconds: float = 0.0) -> bool:
        self.asked.append(after_seconds)
        return after_seconds <= self.may_wait_seconds

    async def submitted(self, provider_ref: str) -> None:
        self.references.append(provider_ref)

    async def lost(self, error: ProviderUncertain, pictures: int = 1) -> None:
        assert pictures >= 1
        self.losses.append(error)


class Silence:
    """No webhooks, unless somebody sets `told`."""

    def __init__(self) -> None:
        self.told = asyncio.Event()

    def address(self, *_: object) -> str | None:
        return None

    @contextlib.contextmanager
    def of(self, *_: object) -> Iterator[asyncio.Event]:
        yield self.told


def asking(prompt: str, **fields: object) -> ImageRequest:
    """A request for two square pictures."""
    values = {
        "generation_id": GENERATION,
        "negative_prompt": None,
        "style_id": "none",
        "width": 1024,
        "height": 1024,
        "indices": (0, 1),
        "seed": 1,
        "quality": "standard",
    } | fields
    return ImageRequest(prompt=prompt, **values)


def of_fal(fal: Fal, **changes: object) -> Settings:
    """Settings that draw with a stand-in for fal."""
    values = {
        "fal_key": KEY,
        "fal_base_url": fal.base_url,
        "fal_timeout_seconds": 2.0,
        "fal_edit_timeout_seconds": 2.0,
    }
    return msgspec.structs.replace(SETTINGS, **(values | changes))
