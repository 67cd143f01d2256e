"""Claims about the provider `openai`, against a strict stand-in for its API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from events.ids import GenerationId
from processors.providers import (
    ImageRequest,
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    TooLate,
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


@pytest.mark.parametrize("directive", ["[429]", "[500]", "[503]"])
async def test_an_answer_that_says_no_is_tried_again(
    api: OpenAIImages, provider: OpenAIProvider, directive: str
) -> None:
    """429 and 5xx cost nothing, so the same call is made again, and only that one is charged."""
    pictures = await provider.generate(asking(f"a boat {directive}"), Deadline())
    assert len(pictures) == 2
    assert [call.charged for call in api.calls] == [False, True]


async def test_it_gives_up_after_three_refusals(
    api: OpenAIImages, provider: OpenAIProvider
) -> None:
    """Three answers that say no are enough; nothing was charged, and the error says so."""
    with pytest.raises(ProviderUnavailable):
        await provider.generate(asking("a boat [500!]"), Deadline())
    assert [call.charged for call in api.calls] == [False] * 3


async def test_it_waits_as_long_as_it_is_asked_to(
    api: OpenAIImages, provider: OpenAIProvider
) -> None:
    """`Retry-After` is the least pause, also when it is longer than the usual backoff."""
    call = Deadline()
    await provider.generate(asking("a boat [429:0.2]"), call)
    assert 0.2 <= call.asked[1] <= 0.25


async def test_it_does_not_wait_beyond_the_deadline(
    api: OpenAIImages, provider: OpenAIProvider
) -> None:
    """A `Retry-After` that the deadline does not allow ends the call at once."""
    with pytest.raises(ProviderUnavailable, match="deadline"):
        await provider.generate(asking("a boat [429:3600]"), Deadline())
    assert len(api.calls) == 1


async def test_it_does_not_begin_what_cannot_end_in_time(
    api: OpenAIImages, provider: OpenAIProvider
) -> None:
    """A call that may not start is not sent."""
    with pytest.raises(TooLate):
        await provider.generate(asking("a boat"), Deadline(may_wait_seconds=-1.0))
    assert api.calls == []


@pytest.mark.parametrize("directive", ["[hang:30]", "[drop]", "[504]"])
async def test_what_may_have_been_paid_is_not_tried_again(
    api: OpenAIImages, provider: OpenAIProvider, directive: str
) -> None:
    """A timeout, a torn answer and a gateway's no are uncertain: one request, no retry."""
    with pytest.raises(ProviderUncertain):
        await provider.generate(asking(f"a boat {directive}"), Deadline())
    assert [call.charged for call in api.calls] == [True]


async def test_a_server_that_is_not_there_costs_nothing() -> None:
    """A refused connection is tried again, and in the end it is unavailable, not uncertain."""
    settings = msgspec.structs.replace(SETTINGS, openai_base_url="http://127.0.0.1:9/v1")
    one = OpenAIProvider(settings)
    call = Deadline()
    with pytest.raises(ProviderUnavailable):
        await one.generate(asking("a boat"), call)
    await one.close()
    assert len(call.asked) == 3


async def test_a_refused_prompt_is_told_as_such(
    api: OpenAIImages, provider: OpenAIProvider
) -> None:
    """A moderation refusal is not tried again and has a sentence for the person."""
    with pytest.raises(ProviderRefused) as raised:
        await provider.generate(asking("a boat [moderation]"), Deadline())
    assert "content rules" in raised.value.detail
    assert len(api.calls) == 1


async def test_fewer_pictures_are_no_error(api: OpenAIImages, provider: OpenAIProvider) -> None:
    """What the model delivers is handed on, also when it is less than was asked for."""
    assert len(await provider.generate(asking("a boat [fewer:1]"), Deadline())) == 1


async def test_a_bad_parameter_is_neither_tried_again_nor_uncertain(
    api: OpenAIImages, provider: OpenAIProvider
) -> None:
    """The API's no to a parameter is final and free."""
    with pytest.raises(ProviderError) as raised:
        await provider.generate(asking("a boat", width=77), Deadline())
    assert not isinstance(raised.value, ProviderUncertain | ProviderUnavailable)
    assert api.calls == []


async def test_a_wrong_key_needs_somebody_to_look_at_it(api: OpenAIImages) -> None:
    """A refused key is unavailable to the person and unexpected to us."""
    settings = msgspec.structs.replace(SETTINGS, openai_api_key="a b", openai_base_url=api.base_url)
    one = OpenAIProvider(settings)
    with pytest.raises(ProviderMisconfigured) as raised:
        await one.generate(asking("a boat"), Deadline())
    await one.close()
    assert not raised.value.expected


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
