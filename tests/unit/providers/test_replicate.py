"""Claims about the provider `replicate`, against a strict stand-in for its API."""

from __future__ import annotations

import asyncio

import msgspec
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
from processors.providers.replicate import ReplicateProvider
from tests.fakes.replicate import Replicate
from tests.unit.providers.calls import SETTINGS, Silence, Submitting, asking


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


@pytest.mark.parametrize("directive", ["[429]", "[500]", "[503]"])
async def test_an_answer_that_says_no_is_tried_again(
    api: Replicate, provider: ReplicateProvider, directive: str
) -> None:
    """429 and 5xx cost nothing, so the same call is made again, and only that one is charged."""
    await provider.generate(asking(f"a boat {directive}"), Submitting())
    assert (len(api.refused), len(api.made)) == (1, 1)


async def test_it_gives_up_after_three_refusals(
    api: Replicate, provider: ReplicateProvider
) -> None:
    """Three answers that say no are enough; nothing was charged."""
    with pytest.raises(ProviderUnavailable):
        await provider.generate(asking("a boat [500!]"), Submitting())
    assert (len(api.refused), api.made) == (3, [])


async def test_it_waits_as_long_as_it_is_asked_to(
    api: Replicate, provider: ReplicateProvider
) -> None:
    """`Retry-After` is the least pause before the next try."""
    call = Submitting()
    await provider.generate(asking("a boat [429:0.2]"), call)
    assert 0.2 <= call.asked[1] <= 0.25


async def test_it_does_not_begin_what_cannot_end_in_time(
    api: Replicate, provider: ReplicateProvider
) -> None:
    """A call that may not start is not sent."""
    with pytest.raises(TooLate):
        await provider.generate(asking("a boat"), Submitting(may_wait_seconds=-1.0))
    assert api.made == []


@pytest.mark.parametrize("directive", ["[drop]", "[504]", "[hang:30]", "[malformed]"])
async def test_a_lost_answer_to_a_submission_is_not_sent_again(
    api: Replicate, provider: ReplicateProvider, directive: str
) -> None:
    """Whatever may have been paid and is not known by an id is uncertain: one prediction."""
    call = Submitting()
    with pytest.raises(ProviderUncertain):
        await provider.generate(asking(f"a boat {directive}"), call)
    assert (len(api.made), call.references) == (1, [])


async def test_a_server_that_is_not_there_costs_nothing(news: Silence) -> None:
    """A refused connection is tried again, and in the end it is unavailable, not uncertain."""
    settings = msgspec.structs.replace(SETTINGS, replicate_base_url="http://127.0.0.1:9/v1")
    one = ReplicateProvider(settings, news)
    call = Submitting()
    with pytest.raises(ProviderUnavailable):
        await one.generate(asking("a boat"), call)
    await one.close()
    assert len(call.asked) == 3


@pytest.mark.parametrize(
    ("directive", "error", "made"),
    [
        ("[refused]", ProviderRefused, 0),
        ("[nsfw]", ProviderRefused, 1),
        ("[failed]", ProviderError, 1),
        ("[aborted]", ProviderUnavailable, 1),
        ("[canceled]", ProviderUncertain, 1),
        ("[forgotten]", ProviderUncertain, 1),
    ],
)
async def test_how_it_ends_says_what_was_paid(
    api: Replicate, provider: ReplicateProvider, directive: str, error: type, made: int
) -> None:
    """Each end without a picture is the error that says what may be done next."""
    with pytest.raises(ProviderError) as raised:
        await provider.generate(asking(f"a boat {directive}"), Submitting())
    assert type(raised.value) is error
    assert len(api.made) == made


async def test_what_a_model_says_is_not_shown(api: Replicate, provider: ReplicateProvider) -> None:
    """An error may repeat the prompt, so neither is in what goes to the logs."""
    with pytest.raises(ProviderRefused) as raised:
        await provider.generate(asking("a very private boat [nsfw]"), Submitting())
    assert "private" not in str(raised.value)
    assert "NSFW" not in str(raised.value)


@pytest.mark.parametrize("directive", ["[troubled:3]", "[garbled:3]"])
async def test_trouble_while_waiting_is_waited_out(
    api: Replicate, provider: ReplicateProvider, directive: str
) -> None:
    """What has an id is asked for again, whatever the API answers meanwhile; it is paid once."""
    assert len(await provider.generate(asking(f"a boat {directive}"), Submitting())) == 2
    assert len(api.made) == 1
    assert api.made[0].asked == 4


async def test_what_takes_too_long_is_cancelled(
    api: Replicate, provider: ReplicateProvider
) -> None:
    """After the time that it may take it is ended there too, and may have been paid."""
    with pytest.raises(ProviderUncertain):
        await provider.generate(asking("a boat [never]"), Submitting())
    (made,) = api.made
    assert (made.status, made.cancel_after) == ("canceled", "5s")


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


async def test_news_make_it_look_at_once(
    api: Replicate, provider: ReplicateProvider, news: Silence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told that there is news, it asks then, long before it would have looked by itself."""
    monkeypatch.setattr(polling, "POLL_SECONDS_FIRST", 30.0)
    monkeypatch.setattr(provider, "_wait_seconds", 60.0)
    generating = asyncio.create_task(provider.generate(asking("a boat"), Submitting()))
    news.told.set()
    async with asyncio.timeout(20):
        assert len(await generating) == 2


async def test_a_call_of_another_worker_is_asked_for(
    api: Replicate, provider: ReplicateProvider
) -> None:
    """Resumed by its reference, a prediction is waited for and not made again."""
    call = Submitting()
    with pytest.raises(ProviderError):
        await provider.generate(asking("a boat [expired]"), call)
    api.made[0].directive = ""
    assert len(await provider.resume(asking("a boat"), call, call.references[0])) == 2
    assert len(api.made) == 1


@pytest.mark.parametrize("reference", ["0000000000000", "../../account", ""])
async def test_a_reference_that_nobody_knows_is_uncertain(
    api: Replicate, provider: ReplicateProvider, reference: str
) -> None:
    """A reference that is unknown, or none at all, is not asked for as if it were."""
    with pytest.raises(ProviderUncertain):
        await provider.resume(asking("a boat"), Submitting(), reference)


@pytest.mark.parametrize("directive", ["[inside]", "[redirected]", "[named]"])
async def test_36_an_address_that_points_inside_is_not_asked_for(
    api: Replicate, provider: ReplicateProvider, directive: str
) -> None:
    """Threat 36: a result that lies inside, or redirects there, is refused, and nothing is sent."""
    with pytest.raises(ProviderUnusable) as raised:
        await provider.generate(asking(f"a boat {directive}"), Submitting())
    assert not raised.value.expected
    assert api.hits_inside == 0
    assert len(api.made) == 1


@pytest.mark.parametrize("directive", ["[html]", "[large]"])
async def test_36_what_is_no_picture_is_not_taken(
    api: Replicate, provider: ReplicateProvider, directive: str
) -> None:
    """Threat 36: neither a page that says it is a picture nor more bytes than agreed are taken."""
    with pytest.raises(ProviderUnusable):
        await provider.generate(asking(f"a boat {directive}"), Submitting())


async def test_a_picture_that_is_gone_was_paid(api: Replicate, provider: ReplicateProvider) -> None:
    """An expired address is uncertain, because its picture was made."""
    with pytest.raises(ProviderUncertain):
        await provider.generate(asking("a boat [expired]"), Submitting())


async def test_fewer_pictures_are_no_error(api: Replicate, provider: ReplicateProvider) -> None:
    """What the model delivers is handed on, also when it is less than was asked for."""
    assert len(await provider.generate(asking("a boat [fewer]"), Submitting())) == 1


async def test_an_unknown_input_is_neither_tried_again_nor_uncertain(
    api: Replicate, provider: ReplicateProvider
) -> None:
    """The API's no to an input is final and free."""
    with pytest.raises(ProviderError) as raised:
        await provider.generate(asking("a boat", width=77), Submitting())
    assert not isinstance(raised.value, ProviderUncertain | ProviderUnavailable)
    assert api.made == []


async def test_a_wrong_token_needs_somebody_to_look_at_it(api: Replicate, news: Silence) -> None:
    """A refused token is unavailable to the person and unexpected to us."""
    settings = msgspec.structs.replace(
        SETTINGS, replicate_api_token="r8_other", replicate_base_url=api.base_url
    )
    one = ReplicateProvider(settings, news)
    with pytest.raises(ProviderMisconfigured) as raised:
        await one.generate(asking("a boat"), Submitting())
    await one.close()
    assert not raised.value.expected
