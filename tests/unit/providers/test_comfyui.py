"""Claims about the provider `comfyui`, against a strict stand-in for its server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from processors.providers import (
    ProviderUnavailable,
    ProviderUncertain,
    polling,
)
from processors.providers.base import EDIT, VARIATION, Photo
from processors.providers.comfyui import ComfyUiProvider
from runtime.settings import Settings
from tests.fakes.comfyui import TOKEN, ComfyUi
from tests.fakes.files import picture
from tests.unit.providers.calls import SETTINGS, Submitting, asking

PHOTO = Photo(picture(), "image/png")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[ComfyUi]:
    fake = ComfyUi()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def comfy(server: ComfyUi) -> ComfyUi:
    server.forget()
    return server


@pytest_asyncio.fixture(loop_scope="session")
async def provider(comfy: ComfyUi) -> AsyncIterator[ComfyUiProvider]:
    one = ComfyUiProvider(settings_of(comfy))
    yield one
    await one.close()


def settings_of(server: ComfyUi, **changes: object) -> Settings:
    values = {
        "comfyui_url": server.url,
        "comfyui_token": TOKEN,
        "comfyui_timeout_seconds": 2.0,
    }
    return msgspec.structs.replace(SETTINGS, **(values | changes))


async def test_pictures(comfy: ComfyUi, provider: ComfyUiProvider) -> None:
    """Two pictures are one workflow, kept by its id and forgotten by the server at the end."""
    call = Submitting()
    request = asking("a boat", style_id="photo", negative_prompt="fog", quality="high")
    pictures = await provider.generate(request, call)
    assert [one[:4] for one in pictures] == [b"\x89PNG"] * 2
    (ran,) = comfy.ran
    assert call.references == [ran.id]
    assert ran.forgotten
    assert ran.graph["6"]["inputs"]["text"].startswith("a boat. ")
    assert ran.graph["7"]["inputs"]["text"] == "fog"
    assert ran.graph["3"]["inputs"]["steps"] == 45


@pytest.mark.parametrize("directive", ["[drop]", "[malformed]"])
async def test_lost_answer_is_found(
    comfy: ComfyUi, provider: ComfyUiProvider, directive: str
) -> None:
    """The id was ours, so a lost answer loses nothing: one workflow, and its pictures."""
    call = Submitting()
    assert len(await provider.generate(asking(f"a boat {directive}"), call)) == 2
    assert len(comfy.ran) == 1


async def test_lost_request(comfy: ComfyUi, provider: ComfyUiProvider) -> None:
    """A server that takes our ids and does not know one has not got it: it is sent again."""
    await provider.generate(asking("a boat"), Submitting())
    await provider.generate(asking("a ship [lost]", seed=2), Submitting())
    assert (len(comfy.refused), len(comfy.ran)) == (1, 2)


async def test_lost_by_an_old_server(comfy: ComfyUi, provider: ComfyUiProvider) -> None:
    """A server that chooses the ids cannot be asked what became of a lost answer."""
    comfy.takes_ids = False
    assert len(await provider.generate(asking("a boat"), Submitting())) == 2
    with pytest.raises(ProviderUncertain):
        await provider.generate(asking("a boat [drop!]"), Submitting())
    assert len(comfy.ran) == 2


async def test_flaky_pictures(comfy: ComfyUi, provider: ComfyUiProvider) -> None:
    """Pictures that are not served at once are asked for again."""
    assert len(await provider.generate(asking("a boat [flaky:2]"), Submitting())) == 2
    assert len(comfy.ran) == 1


async def test_shown(
    comfy: ComfyUi, provider: ComfyUiProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Previews are shown as they come, and the end is seen when it is told, not when asked for."""
    monkeypatch.setattr(polling, "POLL_SECONDS_FIRST", 30.0)
    call = Submitting()
    async with asyncio.timeout(20):
        pictures = await provider.generate(asking("a boat [shown:2]", indices=(3, 4)), call)
    assert (len(pictures), len(comfy.ran)) == (2, 1)
    assert call.shown == [(3, picture(8)), (3, picture(9))]


async def test_nobody_tells(comfy: ComfyUi, provider: ComfyUiProvider) -> None:
    """A server that nobody can listen to is asked, as ever."""
    comfy.has_socket = False
    call = Submitting()
    assert len(await provider.generate(asking("a boat"), call)) == 2
    assert call.shown == []


async def test_too_long(comfy: ComfyUi) -> None:
    """A workflow that runs after its time is interrupted, and nothing came of it."""
    one = ComfyUiProvider(settings_of(comfy, comfyui_timeout_seconds=0.2))
    with pytest.raises(ProviderUnavailable):
        await one.generate(asking("a boat [never]"), Submitting())
    await one.close()
    assert comfy.ran[0].state == "ended"


@pytest.mark.parametrize(
    ("fields", "strength"),
    [
        ({"kind": EDIT}, 0.65),
        ({"kind": EDIT, "mask": PHOTO}, 1.0),
        ({"kind": VARIATION}, 0.5),
    ],
    ids=["edit", "mask", "variation"],
)
async def test_photos(
    comfy: ComfyUi, provider: ComfyUiProvider, fields: dict[str, object], strength: float
) -> None:
    """A photo, and its mask, are put where the workflow for their kind finds them."""
    request = asking("a red sail", photos=(PHOTO,), **fields)
    assert len(await provider.generate(request, Submitting())) == 2
    assert comfy.ran[0].graph["3"]["inputs"]["denoise"] == strength
    assert comfy.ran[0].graph["10"]["inputs"]["image"] in comfy.photos
