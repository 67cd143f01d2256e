"""Claims about the provider `fal`, against a strict stand-in for its queue."""

from __future__ import annotations

import pytest

from processors.providers.base import Photo, ProviderRefused
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


async def test_blackened(fal: Fal, fal_provider: FalProvider) -> None:
    """A picture that the safety checker has blackened is paid, and not delivered."""
    call = Submitting()
    assert len(await fal_provider.generate(asking("a boat [oneblack]"), call)) == 1
    assert call.wasted_pictures == 1
    with pytest.raises(ProviderRefused):
        await fal_provider.generate(asking("a boat [nsfw]"), call)
    assert call.wasted_pictures == 3


async def test_lost_result(fal: Fal, fal_provider: FalProvider) -> None:
    """A result that does not come is asked for again; it is paid once."""
    assert len(await fal_provider.generate(asking("a boat [lost:3]"), Submitting())) == 2
    assert len(fal.made) == 1
    assert fal.made[0].asked == 4
