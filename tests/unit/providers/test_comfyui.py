"""Claims about the provider `comfyui`, against a strict stand-in for its server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from processors.providers import (
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    ProviderUnusable,
    TooLate,
    polling,
)
from processors.providers.base import EDIT, VARIATION, Photo
from processors.providers.comfyui import ComfyUiProvider
from runtime.settings import Settings
from tests.fakes.comfyui import TOKEN, ComfyUi
from tests.fakes.directives import Directives
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
    server.ran.clear()
    server.refused.clear()
    server.directives = Directives()
    server.takes_ids = True
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


@pytest.mark.parametrize("directive", ["[429]", "[500]", "[503]"])
async def test_no_is_tried_again(comfy: ComfyUi, provider: ComfyUiProvider, directive: str) -> None:
    """An answer that says no ran nothing, so the same call is made again."""
    await provider.generate(asking(f"a boat {directive}"), Submitting())
    assert (len(comfy.refused), len(comfy.ran)) == (1, 1)


async def test_too_late(comfy: ComfyUi, provider: ComfyUiProvider) -> None:
    """A call that may not start is not sent."""
    with pytest.raises(TooLate):
        await provider.generate(asking("a boat"), Submitting(may_wait_seconds=-1.0))
    assert comfy.ran == []


@pytest.mark.parametrize("directive", ["[drop]", "[504]", "[malformed]"])
async def test_lost_answer_is_found(
    comfy: ComfyUi, provider: ComfyUiProvider, directive: str
) -> None:
    """The id was ours, so a lost answer loses nothing: one workflow, and its pictures."""
    call = Submitting()
    request = asking(f"a boat {directive}")
    if directive == "[504]":  # a gateway's word, which the server never said
        with pytest.raises(ProviderUncertain):
            await provider.generate(request, call)
    else:
        assert len(await provider.generate(request, call)) == 2
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


@pytest.mark.parametrize(
    ("directive", "error"),
    [
        ("[failed]", ProviderUnavailable),
        ("[blank]", ProviderRefused),
        ("[restarted]", ProviderUncertain),
        ("[html]", ProviderUnusable),
        ("[gone]", ProviderUncertain),
    ],
)
async def test_ends(comfy: ComfyUi, provider: ComfyUiProvider, directive: str, error: type) -> None:
    """Each end without a picture is the error that says what may be done next."""
    with pytest.raises(ProviderError) as raised:
        await provider.generate(asking(f"a very private boat {directive}"), Submitting())
    assert type(raised.value) is error
    assert "private" not in str(raised.value)


@pytest.mark.parametrize("directive", ["[troubled:3]", "[garbled:3]", "[flaky:2]", "[fewer]"])
async def test_trouble(comfy: ComfyUi, provider: ComfyUiProvider, directive: str) -> None:
    """What has an id is asked for again, whatever the server answers meanwhile."""
    pictures = await provider.generate(asking(f"a boat {directive}"), Submitting())
    assert len(pictures) == (1 if directive == "[fewer]" else 2)
    assert len(comfy.ran) == 1


@pytest.mark.parametrize(
    ("directive", "error"), [("[never]", ProviderUnavailable), ("[waits]", ProviderUncertain)]
)
async def test_too_long(
    comfy: ComfyUi, directive: str, error: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its time a workflow is interrupted, or taken out of the queue."""
    one = ComfyUiProvider(settings_of(comfy, comfyui_timeout_seconds=0.2))
    with pytest.raises(error):
        await one.generate(asking(f"a boat {directive}"), Submitting())
    await one.close()
    assert comfy.ran[0].state in {"ended", "gone"}


async def test_resumed(
    comfy: ComfyUi, provider: ComfyUiProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resumed by its reference, a workflow is waited for at once and not run again."""
    call = Submitting()
    with pytest.raises(ProviderUncertain):
        await provider.generate(asking("a boat [gone]"), call)
    comfy.ran[0].directive = ""
    monkeypatch.setattr(polling, "POLL_SECONDS_FIRST", 30.0)
    assert len(await provider.resume(asking("a boat"), call, call.references[0])) == 2
    assert len(comfy.ran) == 1


@pytest.mark.parametrize("reference", ["0000000000000", "../queue", ""])
async def test_unknown_reference(comfy: ComfyUi, provider: ComfyUiProvider, reference: str) -> None:
    """A reference that is unknown, or none at all, is not asked for as if it were."""
    with pytest.raises(ProviderUncertain):
        await provider.resume(asking("a boat"), Submitting(), reference)


@pytest.mark.parametrize("changes", [{"comfyui_token": "x"}, {"comfyui_checkpoint": "y"}])
async def test_misconfigured(comfy: ComfyUi, changes: dict[str, object]) -> None:
    """A refused token, or a model file that is not there, is for somebody to look at."""
    one = ComfyUiProvider(settings_of(comfy, **changes))
    with pytest.raises(ProviderMisconfigured):
        await one.generate(asking("a boat"), Submitting())
    await one.close()


async def test_not_there() -> None:
    """A refused connection is tried again, and in the end it is unavailable, not uncertain."""
    settings = msgspec.structs.replace(SETTINGS, comfyui_url="http://127.0.0.1:9")
    one = ComfyUiProvider(settings)
    call = Submitting()
    with pytest.raises(ProviderUnavailable):
        await one.generate(asking("a boat"), call)
    await one.close()
    assert len(call.asked) == 3


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
