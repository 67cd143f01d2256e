"""Claims about real worker processes that are killed, paused, joined by others and asked to stop.

What becomes of a job whose worker dies at a certain step is tried without processes, in
`test_kills.py`.
"""

from __future__ import annotations

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
from runtime.settings import Settings
from runtime.waiting import until
from tests.fakes.openai_images import OpenAIImages
from tests.integration.worker.desk import Desk
from tests.integration.worker.workers import worker

pytestmark = pytest.mark.usefixtures("from_here")


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


async def test_a_killed_workers_successor_does_not_wait_for_its_leases(
    desk: Desk, paid_settings: Settings, api: OpenAIImages
) -> None:
    """`kill -9` in mid-call: who gets the slot knows that its worker is dead, books the lost call,
    and makes one more at once. Asked to stop during another call, it finishes that one, and its
    exit status is 0.
    """
    (job,) = await paid_jobs(desk, 1)
    patient = msgspec.structs.replace(paid_settings, worker_lease_seconds=300.0)
    async with worker(patient) as first:
        await until(lambda: api.calls, 20, what="the call")
        first.kill()
        await first.ended()
    async with worker(patient) as second:
        done = await desk.fact(job.generation_id, GenerationCompleted, 40)
        (last,) = await paid_jobs(desk, 1)
        await until(lambda: len(api.calls) == 3, 20, what="the last call")
        assert await second.stop() == 0
    await desk.fact(last.generation_id, GenerationCompleted)
    await desk.caught_up()
    assert done.attempt == 2
    assert [one.attempt for one in desk.said(job.generation_id, ProviderCallUncertain)] == [1]
    assert len(desk.said(job.generation_id, GenerationCompleted)) == 1
    assert api.charged() == {job.generation_id: 2, last.generation_id: 1}


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


async def test_a_worker_that_wakes_up_when_its_partitions_have_moved(
    desk: Desk, paid_settings: Settings, api: OpenAIImages
) -> None:
    """A paused worker is replaced, and reports nothing of its own when it goes on; partitions move
    to it while calls are under way, and nothing is made twice. A stop is bounded: a call that does
    not end in time is abandoned.
    """
    (job,) = await paid_jobs(desk, 1)
    async with worker(paid_settings, slot="sleepy") as sleepy:
        await until(lambda: api.calls, 20, what="the call")
        sleepy.pause()
        async with worker(paid_settings, slot="awake", worker_drain_seconds=0.5) as awake:
            await desk.fact(job.generation_id, GenerationCompleted, 60)
            api.latency_seconds = 4.0
            jobs = await paid_jobs(desk, 8)
            await until(lambda: len(api.calls) == 10, 30, what="all calls")
            sleepy.resume()
            api.latency_seconds = 0.5
            jobs += await paid_jobs(desk, 8)
            await all_completed(desk, jobs)
            await desk.caught_up(60)
            assert await sleepy.stop() == 0
            api.latency_seconds = 600.0
            await paid_jobs(desk, 1)
            await until(lambda: len(api.calls) == 19, 30, what="the last call")
            assert await awake.stop() == 0
    await desk.read_on()
    assert len(desk.said(job.generation_id, GenerationCompleted)) == 1
    assert len(desk.said(job.generation_id, ProviderCallUncertain)) == 1
    assert api.charged()[job.generation_id] == 2
    for one in jobs:
        assert api.charged()[one.generation_id] == 1
        assert len(desk.said(one.generation_id, GenerationCompleted)) == 1
        assert len(desk.said(one.generation_id, GenerationStarted)) == 1
        assert desk.said(one.generation_id, ProviderCallUncertain) == []


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
