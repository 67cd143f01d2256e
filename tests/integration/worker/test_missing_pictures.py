"""Claims about a worker that was ended when only some pictures of a call were stored."""

from __future__ import annotations

from typing import Any

import pytest

from events.generations import GenerationCompleted, GenerationFailed, ProviderCallUncertain
from events.jobs import GenerateJob
from processors.providers import ProviderRefused, ProviderUncertain
from processors.worker.storing import preview_key
from runtime.settings import Settings
from tests.integration.worker.bench import bench, picture
from tests.integration.worker.desk import MINUTE_MS, Desk
from tests.integration.worker.left_claims import kept, left_by_another
from tests.integration.worker.pictures import (
    Watched,
    larger,
    left_pictures,
    on_objects,
    stored,
    whole,
)


def booked(desk: Desk, job: GenerateJob) -> list[int]:
    """The attempts that are on the books as uncertain."""
    return [one.attempt for one in desk.said(job.generation_id, ProviderCallUncertain)]


async def test_only_what_is_missing_is_asked_for_once_more(
    desk: Desk, worker_settings: Settings
) -> None:
    """Of four pictures one was stored: it stays, and one call makes the other three."""
    job = desk.job(await desk.account(), count=4)
    await left_by_another(desk, job, "submitting")
    async with bench(worker_settings, [picture(1), picture(2), picture(3)]) as one:
        await left_pictures(one, job, _2=larger(9))
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [0, 1, 2, 3]
        assert await stored(one, job, 2) == larger(9)
        assert await stored(one, job, 3) == picture(3)
    assert [request.indices for request in one.provider.requests] == [(0, 1, 3)]
    assert (done.failed_count, done.attempt, one.provider.calls) == (0, 2, [2])
    assert booked(desk, job) == [1]
    assert await kept(desk, job) == ("reported", 2)


async def test_when_all_are_stored_nobody_is_called(desk: Desk, worker_settings: Settings) -> None:
    """Killed before the claim said so, but every picture is there: delivered without a call."""
    job = desk.job(await desk.account(), count=2)
    await left_by_another(desk, job, "submitting")
    async with bench(worker_settings) as one:
        await left_pictures(one, job, _0=picture(1), _1=picture(2))
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [0, 1]
    assert (one.provider.calls, booked(desk, job)) == ([], [])


async def test_a_preview_is_made_of_the_stored_picture(
    desk: Desk, worker_settings: Settings
) -> None:
    """Killed between a picture and its preview: the preview is made of it, and nobody is called."""
    job = desk.job(await desk.account())
    await left_by_another(desk, job, "submitting")
    async with bench(worker_settings) as one:
        await left_pictures(one, job, _0=larger(3))
        assert await one.objects.head(preview_key(job.account_id, job.generation_id, 0)) is None
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [0]
    assert one.provider.calls == []


async def test_a_free_provider_draws_what_is_missing(desk: Desk, worker_settings: Settings) -> None:
    """Where calls cost nothing the rest is drawn under the same attempt, and nothing is booked."""
    job = desk.job(await desk.account(), count=3)
    await left_by_another(desk, job, "submitting")
    async with bench(worker_settings, [picture(1), picture(2)], free=True) as one:
        await left_pictures(one, job, _1=picture(5))
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [0, 1, 2]
    assert (one.provider.calls, booked(desk, job)) == ([1], [])


async def test_a_submitted_call_gives_what_is_missing(
    desk: Desk, worker_settings: Settings
) -> None:
    """`submitted`: the provider's job is asked for, and its pictures keep their places."""
    job = desk.job(await desk.account(), count=2)
    await left_by_another(desk, job, "submitted", provider_ref="job-1", asked=[0, 1])
    async with bench(worker_settings) as one:
        await left_pictures(one, job, _1=picture(5))
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [0, 1]
        assert await stored(one, job, 0) == picture(9)
    assert (one.provider.calls, booked(desk, job)) == ([], [])


async def test_a_short_answer_is_noted_before_it_is_stored(
    desk: Desk, worker_settings: Settings
) -> None:
    """Which pictures there will be is durable before the first of them is stored."""
    job = desk.job(await desk.account(), count=4)
    noted: list[list[int] | None] = []

    async def note(_: str) -> None:
        claim = await desk.claim(job.generation_id)
        assert claim is not None
        noted.append(claim["expected"])

    async with bench(worker_settings, [picture(1), b"broken", picture(3)]) as one:
        on_objects(one, Watched(note))
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [0, 2]
    assert noted == [[0, 2], [0, 2]]


async def test_who_was_given_fewer_asks_for_no_more(desk: Desk, worker_settings: Settings) -> None:
    """The provider made two of three, both are stored: they are the result, without a call."""
    job = desk.job(await desk.account(), count=3)
    await left_by_another(desk, job, "submitting", expected=[0, 2])
    async with bench(worker_settings) as one:
        await left_pictures(one, job, _0=picture(1), _2=picture(2))
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [0, 2]
    assert (done.failed_count, one.provider.calls, booked(desk, job)) == (1, [], [])


async def test_of_a_short_answer_only_what_was_lost_is_asked_for(
    desk: Desk, worker_settings: Settings
) -> None:
    """The provider made two of three and one is stored: one call for the other."""
    job = desk.job(await desk.account(), count=3)
    await left_by_another(desk, job, "submitting", expected=[0, 2])
    async with bench(worker_settings, [picture(7)]) as one:
        await left_pictures(one, job, _0=picture(1))
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [0, 2]
    assert [request.indices for request in one.provider.requests] == [(2,)]


@pytest.mark.parametrize("acts", [[[picture(7)]], [[b"broken"]]], ids=["fewer", "unusable"])
async def test_what_the_extra_call_does_not_bring_is_not_asked_for_again(
    desk: Desk, worker_settings: Settings, acts: list[Any]
) -> None:
    """The extra call's answer is short or broken: what there is is delivered."""
    job = desk.job(await desk.account(), count=3)
    await left_by_another(desk, job, "submitting")
    async with bench(worker_settings, *acts) as one:
        await left_pictures(one, job, _0=picture(1))
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        indices = await whole(one, done)
    assert indices == [0, 1][: len(indices)]
    assert done.failed_count == 3 - len(indices)
    assert one.provider.calls == [2]


@pytest.mark.parametrize(
    ("error", "dead"),
    [(ProviderRefused("no"), False), (ProviderUncertain("?"), False), (ValueError("a bug"), True)],
    ids=["refused", "uncertain", "bug"],
)
async def test_an_extra_call_that_fails_costs_nothing_that_is_stored(
    desk: Desk, worker_settings: Settings, error: Exception, dead: bool
) -> None:
    """However the extra call ends, what is stored is delivered, and there is no third call."""
    job = desk.job(await desk.account(), count=2)
    await left_by_another(desk, job, "submitting")
    async with bench(worker_settings, error) as one:
        await left_pictures(one, job, _1=picture(1))
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [1]
    assert one.provider.calls == [2]
    assert desk.said(job.generation_id, GenerationFailed) == []
    if dead:
        await desk.wait_for(lambda: desk.dead, "the dead letter")
    assert bool(desk.dead) == dead


async def test_after_the_last_attempt_what_is_stored_is_delivered(
    desk: Desk, worker_settings: Settings
) -> None:
    """The second call was lost with some stored: there is no third, and no failure either."""
    job = desk.job(await desk.account(), count=2)
    await left_by_another(desk, job, "failed", attempt=1)
    await left_by_another(desk, job, "submitting", attempt=2, asked=[0, 1])
    async with bench(worker_settings) as one:
        await left_pictures(one, job, _0=picture(1))
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [0]
    # The first attempt was booked when the second began; the result stands for the second.
    assert (done.attempt, one.provider.calls, booked(desk, job)) == (2, [], [])


async def test_close_to_the_deadline_what_is_stored_is_delivered(
    desk: Desk, worker_settings: Settings
) -> None:
    """No call fits before the deadline: nobody is called, and the stored picture is the result."""
    job = desk.job(await desk.account(), count=2, deadline_ms=MINUTE_MS)
    await left_by_another(desk, job, "submitting")
    async with bench(worker_settings) as one:
        await left_pictures(one, job, _0=picture(1))
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [0]
    assert (one.provider.calls, booked(desk, job)) == ([], [])
