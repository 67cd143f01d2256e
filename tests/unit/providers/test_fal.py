"""Claims about the provider `fal`, against a strict stand-in for its queue."""

from __future__ import annotations

import asyncio

import pytest

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
from processors.providers.base import Photo
from processors.providers.fal import FalProvider
from tests.fakes.fal import Fal
from tests.fakes.files import picture
from tests.unit.providers.calls import Silence, Submitting, asking, of_fal

PHOTO = Photo(picture(), "image/png")


async def test_submitted_once(fal: Fal, fal_provider: FalProvider) -> None:
    """A plain call is one request, kept by its id; neither prompt nor picture stays at fal."""
    call = Submitting()
    pictures = await fal_provider.generate(asking("a boat"), call)
    assert [one[:4] for one in pictures] == [b"\x89PNG"] * 2
    (made,) = fal.made
    assert call.references == [made.id]
    assert made.webhook is None
    assert made.inputs["image_size"] == {"width": 1024, "height": 1024}
    assert made.headers["x-fal-store-io"] == "0"
    assert made.headers["x-fal-request-timeout"] == "2"


async def test_webhook_address(fal: Fal, news: Silence, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that a call's news come to is handed over with the request, as it is."""
    address = "https://app.example/providers/fal/webhook?generation_id=x&attempt=1&token=t-_"
    monkeypatch.setattr(news, "address", lambda *_: address)
    one = FalProvider(of_fal(fal), news)
    fal.tellings = 0
    await one.generate(asking("a boat"), Submitting())
    fal.tellings = 1
    await one.close()
    assert [made.webhook for made in fal.made] == [address]


@pytest.mark.parametrize("directive", ["[429]", "[500]", "[503]"])
async def test_no_is_tried_again(fal: Fal, fal_provider: FalProvider, directive: str) -> None:
    """429 and 5xx cost nothing, so the same call is made again, and only that one is charged."""
    await fal_provider.generate(asking(f"a boat {directive}"), Submitting())
    assert (len(fal.refused), len(fal.made)) == (1, 1)


async def test_three_refusals(fal: Fal, fal_provider: FalProvider) -> None:
    """Three answers that say no are enough; nothing was charged."""
    with pytest.raises(ProviderUnavailable):
        await fal_provider.generate(asking("a boat [500!]"), Submitting())
    assert (len(fal.refused), fal.made) == (3, [])


async def test_retry_after(fal: Fal, fal_provider: FalProvider) -> None:
    """`Retry-After` is the least pause before the next try."""
    call = Submitting()
    await fal_provider.generate(asking("a boat [429:0.1]"), call)
    assert 0.1 <= call.asked[1] <= 0.15


async def test_too_late(fal: Fal, fal_provider: FalProvider) -> None:
    """A call that may not start is not sent."""
    with pytest.raises(TooLate):
        await fal_provider.generate(asking("a boat"), Submitting(may_wait_seconds=-1.0))
    assert fal.made == []


@pytest.mark.parametrize("directive", ["[drop]", "[504]", "[hang:30]", "[malformed]", "[badid]"])
async def test_lost_answer(
    fal: Fal, fal_provider: FalProvider, directive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever may have been paid and is not known by an id is uncertain: one request."""
    monkeypatch.setattr("processors.providers.json_api.REQUEST_SECONDS_MAX", 0.3)
    call = Submitting()
    with pytest.raises(ProviderUncertain):
        await fal_provider.generate(asking(f"a boat {directive}"), call)
    assert (len(fal.made), call.references) == (1, [])


@pytest.mark.parametrize(
    ("directive", "error", "made"),
    [
        ("[policy]", ProviderRefused, 0),
        ("[late]", ProviderRefused, 1),
        ("[nsfw]", ProviderRefused, 1),
        ("[failed]", ProviderUnavailable, 1),
        ("[nobegin]", ProviderUnavailable, 1),
        ("[forgotten]", ProviderUncertain, 1),
    ],
)
async def test_ends(
    fal: Fal, fal_provider: FalProvider, directive: str, error: type, made: int
) -> None:
    """Each end without a picture is the error that says what may be done next; no prompt in it."""
    with pytest.raises(ProviderError) as raised:
        await fal_provider.generate(asking(f"a very private boat {directive}"), Submitting())
    assert type(raised.value) is error
    assert "private" not in str(raised.value)
    assert len(fal.made) == made


async def test_blackened(fal: Fal, fal_provider: FalProvider) -> None:
    """A picture that the safety checker has blackened is not delivered; the others are."""
    assert len(await fal_provider.generate(asking("a boat [oneblack]"), Submitting())) == 1


@pytest.mark.parametrize("directive", ["[troubled:3]", "[garbled:3]", "[lost:3]"])
async def test_trouble(fal: Fal, fal_provider: FalProvider, directive: str) -> None:
    """What has an id is asked for again, whatever the API answers meanwhile; it is paid once."""
    assert len(await fal_provider.generate(asking(f"a boat {directive}"), Submitting())) == 2
    assert len(fal.made) == 1
    assert fal.made[0].asked == 4


async def test_too_long(fal: Fal, news: Silence) -> None:
    """After the time that it may take it is ended there too, and may have been paid."""
    one = FalProvider(of_fal(fal, fal_timeout_seconds=0.2), news)
    with pytest.raises(ProviderUncertain):
        await one.generate(asking("a boat [never]"), Submitting())
    await one.close()
    (made,) = fal.made
    assert made.cancelled


async def test_news(
    fal: Fal, fal_provider: FalProvider, silence: Silence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told that there is news, it asks then, long before it would have looked by itself."""
    monkeypatch.setattr(polling, "POLL_SECONDS_FIRST", 30.0)
    generating = asyncio.create_task(fal_provider.generate(asking("a boat"), Submitting()))
    silence.told.set()
    async with asyncio.timeout(20):
        assert len(await generating) == 2


async def test_resumed(fal: Fal, fal_provider: FalProvider) -> None:
    """Resumed by its reference, a request is waited for and not made again."""
    call = Submitting()
    with pytest.raises(ProviderError):
        await fal_provider.generate(asking("a boat [expired]"), call)
    fal.made[0].directive = ""
    assert len(await fal_provider.resume(asking("a boat"), call, call.references[0])) == 2
    assert len(fal.made) == 1


@pytest.mark.parametrize("reference", ["0000000000000", "../../account", ""])
async def test_unknown_reference(fal: Fal, fal_provider: FalProvider, reference: str) -> None:
    """A reference that is unknown, or none at all, is not asked for as if it were."""
    with pytest.raises(ProviderUncertain):
        await fal_provider.resume(asking("a boat"), Submitting(), reference)


@pytest.mark.parametrize("directive", ["[inside]", "[redirected]", "[named]"])
async def test_36_inside(fal: Fal, fal_provider: FalProvider, directive: str) -> None:
    """Threat 36: a result that lies inside, or redirects there, is refused, and nothing is sent."""
    with pytest.raises(ProviderUnusable):
        await fal_provider.generate(asking(f"a boat {directive}"), Submitting())
    assert fal.files.hits_inside == 0


@pytest.mark.parametrize("directive", ["[html]", "[large]"])
async def test_36_no_picture(fal: Fal, fal_provider: FalProvider, directive: str) -> None:
    """Threat 36: neither a page that says it is a picture nor more bytes than agreed are taken."""
    with pytest.raises(ProviderUnusable):
        await fal_provider.generate(asking(f"a boat {directive}"), Submitting())


async def test_gone(fal: Fal, fal_provider: FalProvider) -> None:
    """An expired address is uncertain, because its picture was made."""
    with pytest.raises(ProviderUncertain):
        await fal_provider.generate(asking("a boat [expired]"), Submitting())


async def test_fewer(fal: Fal, fal_provider: FalProvider) -> None:
    """What the model delivers is handed on, also when it is less than was asked for."""
    assert len(await fal_provider.generate(asking("a boat [fewer]"), Submitting())) == 1


async def test_wrong_input(fal: Fal, fal_provider: FalProvider) -> None:
    """The API's no to an input is final and free."""
    with pytest.raises(ProviderError) as raised:
        await fal_provider.generate(asking("a boat", width=77), Submitting())
    assert type(raised.value) is ProviderError
    assert fal.made == []


@pytest.mark.parametrize("changes", [{"fal_key": "other"}, {"fal_model": "fal-ai/other"}])
async def test_wrong_key_or_model(fal: Fal, news: Silence, changes: dict[str, object]) -> None:
    """A refused key or model is unavailable to the person and unexpected to us."""
    one = FalProvider(of_fal(fal, **changes), news)
    with pytest.raises(ProviderMisconfigured):
        await one.generate(asking("a boat"), Submitting())
    await one.close()
