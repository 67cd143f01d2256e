"""Claims about the provider `replicate`, against a strict stand-in for its API."""

from __future__ import annotations

import pytest

from processors.providers import (
    ProviderRefused,
    ProviderUncertain,
)
from processors.providers.replicate import ReplicateProvider
from tests.fakes.replicate import Replicate
from tests.unit.providers.calls import Submitting, asking


async def test_it_is_submitted_once_and_its_reference_kept(
    api: Replicate, provider: ReplicateProvider
) -> None:
    """A plain call is one prediction, kept by its id before it is waited for."""
    call = Submitting()
    pictures = await provider.generate(asking("a boat"), call)
    assert [one[:4] for one in pictures] == [b"\x89PNG"] * 2
    (made,) = api.made
    assert call.references == [made.id]
    assert made.inputs["aspect_ratio"] == "1:1"
    assert made.webhook is None


async def test_what_a_model_says_is_not_shown(api: Replicate, provider: ReplicateProvider) -> None:
    """An error may repeat the prompt, so neither is in what goes to the logs."""
    with pytest.raises(ProviderRefused) as raised:
        await provider.generate(asking("a very private boat [nsfw]"), Submitting())
    assert "private" not in str(raised.value)
    assert "NSFW" not in str(raised.value)


class Running(Submitting):
    """A call whose deadline comes once it was submitted."""

    def may_start(self, after_seconds: float = 0.0) -> bool:
        return super().may_start(after_seconds) and not self.references


async def test_trouble_for_longer_than_its_time_is_waited_out_before_the_deadline(
    api: Replicate, provider: ReplicateProvider
) -> None:
    """While the API is away a prediction is not given up for lost, as long as there is time."""
    assert len(await provider.generate(asking("a boat [troubled:15]"), Submitting())) == 2
    assert len(api.made) == 1


async def test_trouble_until_the_deadline_leaves_it_uncertain(
    api: Replicate, provider: ReplicateProvider
) -> None:
    """What the API has not told of in time may have been paid."""
    with pytest.raises(ProviderUncertain):
        await provider.generate(asking("a boat [troubled:999]"), Running())
    assert len(api.made) == 1
