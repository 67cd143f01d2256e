"""Claims about workers that are killed, paused, joined by others and asked to stop."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from events.generations import (
    GenerationCompleted,
    GenerationFailed,
    GenerationStarted,
    ProviderCallUncertain,
)
from events.jobs import GenerateJob
from processors.images import prepare_now
from processors.worker.storing import original_key
from runtime.objects import open_objects
from runtime.settings import Settings
from runtime.waiting import until
from tests.fakes.openai_images import OpenAIImages
from tests.integration.worker.bench import picture
from tests.integration.worker.desk import Desk
from tests.integration.worker.workers import worker


@pytest_asyncio.fixture(loop_scope="session")
async def api() -> AsyncIterator[OpenAIImages]:
    """An image API that counts, and takes a second for a picture."""
    fake = OpenAIImages(latency_seconds=1.0)
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def paid_settings(worker_settings: Settings, api: OpenAIImages) -> Settings:
    """A worker that draws by that API."""
    return msgspec.structs.replace(
        worker_settings, openai_api_key="sk-test", openai_base_url=api.base_url
    )


async def paid_jobs(desk: Desk, how_many: int, **fields: Any) -> list[GenerateJob]:
    """Append so many jobs for the paid model, spread over the partitions."""
    account_id = await desk.account()
    jobs = [desk.job(account_id, model="gpt-image", **fields) for _ in range(how_many)]
    for number, job in enumerate(jobs):
        await desk.put(job, partition=number % desk.settings.kafka_partitions)
    return jobs


async def all_completed(desk: Desk, jobs: list[GenerateJob], timeout_seconds: float = 60.0) -> None:
    """Wait until every job has its result."""
    await desk.wait_for(
        lambda: all(desk.said(job.generation_id, GenerationCompleted) for job in jobs),
        "every job to complete",
        timeout_seconds,
    )


async def test_a_killed_workers_call_is_made_at_most_once_more(
    desk: Desk, paid_settings: Settings, api: OpenAIImages
) -> None:
    """`kill -9` in mid-call: the next worker books the lost call, makes one more, and finishes."""
    (job,) = await paid_jobs(desk, 1)
    async with worker(paid_settings) as first:
        await until(lambda: api.calls, 20, what="the call")
        first.kill()
        await first.ended()
    async with worker(paid_settings):
        done = await desk.fact(job.generation_id, GenerationCompleted, 40)
        await desk.caught_up()
    assert api.charged() == {job.generation_id: 2}
    assert done.attempt == 2
    assert [one.attempt for one in desk.said(job.generation_id, ProviderCallUncertain)] == [1]
    assert len(desk.said(job.generation_id, GenerationCompleted)) == 1


async def test_a_killed_workers_successor_does_not_wait_for_its_leases(
    desk: Desk, paid_settings: Settings, api: OpenAIImages
) -> None:
    """Who gets the slot of a worker knows that it is dead, and goes on with its jobs at once."""
    (job,) = await paid_jobs(desk, 1)
    patient = msgspec.structs.replace(paid_settings, worker_lease_seconds=300.0)
    async with worker(patient) as first:
        await until(lambda: api.calls, 20, what="the call")
        first.kill()
        await first.ended()
    async with worker(patient):
        done = await desk.fact(job.generation_id, GenerationCompleted, 40)
    assert done.attempt == 2
    assert api.charged() == {job.generation_id: 2}


async def test_a_worker_killed_while_it_stores_costs_no_picture(
    desk: Desk, paid_settings: Settings, api: OpenAIImages
) -> None:
    """`kill -9` with one of four pictures stored: it stays, and one call makes the other three."""
    (job,) = await paid_jobs(desk, 1, count=4)
    async with worker(paid_settings) as first, open_objects(paid_settings) as objects:
        await until(lambda: api.calls, 20, what="the call")
        first.kill()
        await first.ended()
        # As if it had lived a little longer: nobody can be killed at just this instant.
        key = original_key(job.account_id, job.generation_id, 2)
        await objects.put_if_absent(key, picture(7), "image/png")
        async with worker(paid_settings):
            done = await desk.fact(job.generation_id, GenerationCompleted, 40)
            await desk.caught_up()
        assert await objects.get(key) == picture(7)
        for image in done.images:
            data = await objects.get(image.object_key)
            assert data is not None
            assert hashlib.sha256(data).hexdigest() == image.sha256
            assert await objects.get(image.preview_key) == prepare_now(data).preview
    assert [(image.index, image.width) for image in done.images] == [
        (0, 1024),
        (1, 1024),
        (2, 64),
        (3, 1024),
    ]
    assert [one.attempt for one in desk.said(job.generation_id, ProviderCallUncertain)] == [1]
    assert api.charged() == {job.generation_id: 2}


async def test_a_killed_worker_loses_no_job(desk: Desk, worker_settings: Settings) -> None:
    """Whatever instant it is killed at, every job is done once by the workers after it."""
    account_id = await desk.account()
    jobs = [desk.job(account_id, seed=seed) for seed in range(24)]
    settings = msgspec.structs.replace(worker_settings, local_latency_seconds=0.3, worker_jobs=4)
    async with worker(settings) as first:
        for number, job in enumerate(jobs):
            await desk.put(job, partition=number % desk.settings.kafka_partitions)
        await desk.wait_for(
            lambda: (
                sum(bool(desk.said(job.generation_id, GenerationCompleted)) for job in jobs) >= 5
            ),
            "a few results",
        )
        first.kill()
        await first.ended()
    async with worker(settings):
        await all_completed(desk, jobs)
        await desk.caught_up()
    results = [desk.said(job.generation_id, GenerationCompleted) for job in jobs]
    # A result that was appended just before the kill is appended again, byte for byte.
    assert all(one == told[0] for told in results for one in told)
    assert not any(desk.said(job.generation_id, GenerationFailed) for job in jobs)


async def test_a_worker_that_joins_makes_nothing_twice(
    desk: Desk, paid_settings: Settings, api: OpenAIImages
) -> None:
    """Partitions move while calls are under way: every job is called, begun and told once."""
    api.latency_seconds = 4.0
    async with worker(paid_settings, slot="one"):
        jobs = await paid_jobs(desk, 8)
        await until(lambda: len(api.calls) == 8, 30, what="all calls")
        async with worker(paid_settings, slot="two"):
            later = await paid_jobs(desk, 8)
            await all_completed(desk, jobs + later)
            await desk.caught_up(60)
    assert sorted(api.charged().values()) == [1] * 16
    for job in jobs + later:
        assert len(desk.said(job.generation_id, GenerationCompleted)) == 1
        assert len(desk.said(job.generation_id, GenerationStarted)) == 1
        assert desk.said(job.generation_id, ProviderCallUncertain) == []


async def test_a_worker_that_wakes_up_after_its_lease_reports_nothing_of_its_own(
    desk: Desk, paid_settings: Settings, api: OpenAIImages
) -> None:
    """A paused worker is replaced; when it goes on, there is one result and one extra call."""
    (job,) = await paid_jobs(desk, 1)
    async with worker(paid_settings, slot="sleepy") as sleepy:
        await until(lambda: api.calls, 20, what="the call")
        sleepy.pause()
        async with worker(paid_settings, slot="awake"):
            await desk.fact(job.generation_id, GenerationCompleted, 60)
            sleepy.resume()
            await desk.caught_up(60)
            assert await sleepy.stop() == 0
    await desk.read_on()
    assert len(desk.said(job.generation_id, GenerationCompleted)) == 1
    assert len(desk.said(job.generation_id, ProviderCallUncertain)) == 1
    assert api.charged() == {job.generation_id: 2}


async def test_a_worker_that_is_asked_to_stop_ends_what_it_began(
    desk: Desk, paid_settings: Settings, api: OpenAIImages
) -> None:
    """SIGTERM during a call: the picture is finished and acked, and the exit status is 0."""
    (job,) = await paid_jobs(desk, 1)
    async with worker(paid_settings) as running:
        await until(lambda: api.calls, 20, what="the call")
        assert await running.stop() == 0
    await desk.fact(job.generation_id, GenerationCompleted)
    await desk.caught_up()
    assert api.charged() == {job.generation_id: 1}


async def test_a_stop_is_bounded(desk: Desk, paid_settings: Settings, api: OpenAIImages) -> None:
    """A call that does not end in time is abandoned unacked, and the next worker resumes it."""
    api.latency_seconds = 600.0
    (job,) = await paid_jobs(desk, 1)
    async with worker(paid_settings, worker_drain_seconds=0.5) as running:
        await until(lambda: api.calls, 20, what="the call")
        assert await running.stop() == 0
    api.latency_seconds = 0.0
    async with worker(paid_settings):
        done = await desk.fact(job.generation_id, GenerationCompleted)
    assert done.attempt == 2


async def test_a_slot_has_one_worker(worker_settings: Settings, desk: Desk) -> None:
    """A second worker in the same slot does not start, and says why in one sentence."""
    async with worker(worker_settings), worker(worker_settings, ready=False) as second:
        assert await second.ended() == 78


async def test_a_refused_prompt_and_a_busy_api_end_as_they_should(
    desk: Desk, paid_settings: Settings, api: OpenAIImages
) -> None:
    """Through the whole worker: moderation fails the job, 429 does not, fewer are delivered."""
    api.latency_seconds = 0.0
    async with worker(paid_settings):
        (refused,) = await paid_jobs(desk, 1, prompt="a boat [moderation]")
        (busy,) = await paid_jobs(desk, 1, prompt="a boat [429:0.1]")
        (fewer,) = await paid_jobs(desk, 1, prompt="a boat [fewer:2]", count=3)
        failed = await desk.fact(refused.generation_id, GenerationFailed)
        await desk.fact(busy.generation_id, GenerationCompleted)
        done = await desk.fact(fewer.generation_id, GenerationCompleted)
        await desk.caught_up()
    assert failed.reason == "provider_refused"
    assert (len(done.images), done.failed_count) == (2, 1)
    assert api.charged() == {busy.generation_id: 1, fewer.generation_id: 1}
    assert desk.dead == []


async def test_a_worker_that_finishes_nothing_ends_itself(
    desk: Desk, paid_settings: Settings, api: OpenAIImages
) -> None:
    """Jobs wait and none is finished: the watchdog ends the process, and nothing was acked."""
    api.latency_seconds = 600.0
    before = await desk.committed()
    async with worker(paid_settings, worker_stuck_seconds=3.0, worker_jobs=2) as running:
        await paid_jobs(desk, 6)
        assert await running.ended(60) == 1
    assert await desk.committed() == before
