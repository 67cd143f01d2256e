"""Claims about pictures that are shown while OpenAI makes them, against a strict stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from processors.providers import ProviderRefused, ProviderUncertain
from processors.providers.openai import OpenAIProvider
from runtime.settings import Settings
from tests.fakes.openai_images import OpenAIImages
from tests.unit.worker.test_openai import SETTINGS, Deadline, asking


@pytest_asyncio.fixture(loop_scope="session")
async def api() -> AsyncIterator[OpenAIImages]:
    fake = OpenAIImages()
    await fake.start()
    yield fake
    await fake.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def provider(api: OpenAIImages) -> AsyncIterator[OpenAIProvider]:
    settings = msgspec.structs.replace(
        SETTINGS, openai_base_url=api.base_url, openai_partial_images=2
    )
    one = OpenAIProvider(settings)
    yield one
    await one.close()


async def test_partial_pictures_are_shown(api: OpenAIImages, provider: OpenAIProvider) -> None:
    """One request: two on the way, which are shown, and the one that was asked for."""
    call = Deadline()
    (picture,) = await provider.generate(asking("a boat", indices=(3,)), call)
    assert [index for index, _ in call.shown] == [3, 3]
    assert len({picture, *(data for _, data in call.shown)}) == 3
    assert [one.charged for one in api.calls] == [True]


async def test_several_pictures_are_not_streamed(
    api: OpenAIImages, provider: OpenAIProvider
) -> None:
    """The API streams one picture only, so several come as they always did."""
    call = Deadline()
    assert len(await provider.generate(asking("a boat", indices=(0, 1)), call)) == 2
    assert call.shown == []


async def test_a_server_without_streams_will_do(
    api: OpenAIImages, provider: OpenAIProvider
) -> None:
    """What was paid for is taken, also from one that ignores that a stream was asked for."""
    call = Deadline()
    pictures = await provider.generate(asking("a boat [unstreamed]", indices=(0,)), call)
    assert [one[:4] for one in pictures] == [b"\x89PNG"]
    assert len(api.calls) == 1


async def test_a_stream_may_refuse(api: OpenAIImages, provider: OpenAIProvider) -> None:
    """A refusal that comes in the stream is one, and nothing was paid."""
    with pytest.raises(ProviderRefused):
        await provider.generate(asking("a boat [blocked]", indices=(0,)), Deadline())
    assert [one.charged for one in api.calls] == [False]


@pytest.mark.parametrize("directive", ["[endless]", "[drop]", "[hang:30]"])
async def test_a_torn_stream_is_not_asked_for_again(
    api: OpenAIImages, provider: OpenAIProvider, directive: str
) -> None:
    """A stream without its end may have been paid: uncertain, after one request."""
    with pytest.raises(ProviderUncertain):
        await provider.generate(asking(f"a boat {directive}", indices=(0,)), Deadline())
    assert [one.charged for one in api.calls] == [True]


@pytest.mark.parametrize("directive", ["[429]", "[500]"])
async def test_a_no_before_the_stream_is_tried_again(
    api: OpenAIImages, provider: OpenAIProvider, directive: str
) -> None:
    """An answer that says no cost nothing, streamed or not."""
    assert await provider.generate(asking(f"a boat {directive}", indices=(0,)), Deadline())
    assert [one.charged for one in api.calls] == [False, True]


def test_other_servers_are_asked_for_none() -> None:
    """Unset, partial pictures are asked for at OpenAI's own address alone."""
    assert OpenAIProvider(SETTINGS)._partial_images == 2
    elsewhere = msgspec.structs.replace(SETTINGS, openai_base_url="http://127.0.0.1:9/v1")
    assert OpenAIProvider(elsewhere)._partial_images == 0
    off = Settings(openai_api_key="sk", openai_partial_images=0)
    assert OpenAIProvider(off)._partial_images == 0
