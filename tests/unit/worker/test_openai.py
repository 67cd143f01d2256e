"""Claims about the provider `openai`, against a strict stand-in for its API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from events.ids import GenerationId
from processors.providers import (
    ImageRequest,
)
from processors.providers.openai import OpenAIProvider
from processors.providers.prompts import prompt_of
from processors.providers.retry_after import retry_after_seconds
from runtime.settings import Settings
from tests.fakes.openai_images import OpenAIImages

SETTINGS = Settings(
    openai_api_key="sk-test", provider_timeout_seconds=0.5, provider_backoff_seconds_max=0.01
)


class Deadline:
    """A call that may start until it is told otherwise."""

    attempt = 1

    def __init__(self, may_wait_seconds: float = 60.0) -> None:
        self.may_wait_seconds = may_wait_seconds
        self.asked: list[float] = []
        self.shown: list[tuple[int, bytes]] = []

    def show(self, index: int, data: bytes) -> None:
        self.shown.append((index, data))

    def may_start(self, after_seconds: float = 0.0) -> bool:
        self.asked.append(after_seconds)
        return after_seconds <= self.may_wait_seconds

    async def submitted(self, provider_ref: str) -> None:  # noqa: ARG002  the protocol's
        raise AssertionError("answers come in place")


@pytest_asyncio.fixture(loop_scope="session")
async def api() -> AsyncIterator[OpenAIImages]:
    fake = OpenAIImages()
    await fake.start()
    yield fake
    await fake.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def provider(api: OpenAIImages) -> AsyncIterator[OpenAIProvider]:
    one = OpenAIProvider(msgspec.structs.replace(SETTINGS, openai_base_url=api.base_url))
    yield one
    await one.close()


def asking(prompt: str, **fields: object) -> ImageRequest:
    values = {
        "generation_id": GenerationId("7e5ba6f0-0000-5000-8000-000000000001"),
        "negative_prompt": None,
        "style_id": "none",
        "width": 1024,
        "height": 1536,
        "indices": (0, 1),
        "seed": 1,
        "quality": "standard",
    } | fields
    return ImageRequest(prompt=prompt, **values)


async def test_it_gets_as_many_pictures_as_asked_for(
    api: OpenAIImages, provider: OpenAIProvider
) -> None:
    """A plain call is one request, and its base64 answers come back as PNG bytes."""
    pictures = await provider.generate(asking("a boat"), Deadline())
    assert [one[:4] for one in pictures] == [b"\x89PNG"] * 2
    assert [call.client_id for call in api.calls] == ["7e5ba6f0-0000-5000-8000-000000000001/1/1"]


def test_the_prompt_carries_style_and_what_to_avoid() -> None:
    """The person's words come first, then the style's, then what must not be seen."""
    text = prompt_of(asking("a boat", style_id="neon", negative_prompt="people"))
    assert text.startswith("a boat\n\nStyle: night scene")
    assert text.endswith("Do not show: people.")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 50.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(
    headers: dict[str, str], seconds: float | None
) -> None:
    """Seconds, milliseconds and dates are understood; nonsense is no request to wait."""
    assert retry_after_seconds(headers, now_seconds=10.0) == seconds
