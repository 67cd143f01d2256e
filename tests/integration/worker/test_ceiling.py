"""The ceiling on jobs at once: kept by real workers together, however they come and go."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from processors.worker.ceiling import Ceiling
from runtime.postgres.pool import Pool, open_pool
from runtime.settings import Settings
from runtime.waiting import until
from tests.fakes.openai_images import OpenAIImages
from tests.integration.worker.desk import Desk
from tests.integration.worker.test_disturbed import all_completed, paid_jobs
from tests.integration.worker.workers import worker

pytestmark = pytest.mark.usefixtures("from_here")

CEILING = 6
JOB_SECONDS = 0.02


@pytest_asyncio.fixture(loop_scope="session")
async def pool(worker_settings: Settings) -> AsyncIterator[Pool]:
    async with asyncio.timeout(30):
        one = await open_pool(worker_settings, application_name="test of the ceiling")
    yield one
    await one.close()


@pytest_asyncio.fixture(loop_scope="session")
async def api() -> AsyncIterator[OpenAIImages]:
    """An image API that counts, and takes a while for a picture."""
    fake = OpenAIImages(latency_seconds=0.4)
    await fake.start()
    yield fake
    await fake.stop()


def ceiling(pool: Pool, *, jobs_max: int = 64, lease_seconds: float = 30.0) -> Ceiling:
    """One more worker's share."""
    return Ceiling(
        pool,
        holder=uuid.uuid4(),
        ceiling=CEILING,
        jobs_max=jobs_max,
        lease_seconds=lease_seconds,
    )


class Crew:
    """Workers with more to do than they may."""

    def __init__(self) -> None:
        self.under_way = 0
        self.most = 0
        self.done = 0

    async def work(self, room: Ceiling, jobs: int) -> None:
        """Take jobs one after the other, as a stream hands them over, and perform them at once."""
        async with asyncio.TaskGroup() as group:
            for _ in range(jobs):
                await room.acquire()
                group.create_task(self._job(room))

    async def _job(self, room: Ceiling) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        ended = asyncio.Event()
        asyncio.get_running_loop().call_later(JOB_SECONDS, ended.set)
        await ended.wait()
        self.under_way -= 1
        self.done += 1
        room.release()


async def test_alone_a_worker_has_the_whole_ceiling(pool: Pool) -> None:
    """At once, and no more than it can do itself."""
    whole = ceiling(pool)
    async with whole.kept():
        for _ in range(CEILING):
            async with asyncio.timeout(5):
                await whole.acquire()
        waiting = asyncio.create_task(whole.acquire())
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
        whole.release()
        async with asyncio.timeout(5):
            await waiting
    few = ceiling(pool, jobs_max=2)
    async with few.kept():
        await few.acquire()
        await few.acquire()
        waiting = asyncio.create_task(few.acquire())
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
        waiting.cancel()


async def test_workers_together_stay_below_it(pool: Pool) -> None:
    """Four that come one after the other with 60 jobs each: 6 at once, never more, all done."""
    crew = Crew()
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            room = ceiling(pool)

            async def one(room: Ceiling = room) -> None:
                async with room.kept():
                    await crew.work(room, 60)

            group.create_task(one())
    assert crew.done == 240
    assert crew.most == CEILING


async def test_who_does_not_renew_starts_nothing_and_loses_its_share(pool: Pool) -> None:
    """After its lease a worker that was cut off takes no more, and another has what it held."""
    gone = ceiling(pool, lease_seconds=1.0)
    await gone.look()
    await gone.acquire()
    other = ceiling(pool)
    async with other.kept():
        async with asyncio.timeout(10):
            for _ in range(CEILING):
                await other.acquire()
        waiting = asyncio.create_task(gone.acquire())
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
        waiting.cancel()


async def test_a_share_of_the_dead_is_free_at_once(pool: Pool) -> None:
    """Whoever takes over a slot names those who held it, and need not wait for their leases."""
    dead = ceiling(pool, lease_seconds=300.0)
    await dead.look()
    heir = ceiling(pool)
    async with heir.kept([dead._holder]), asyncio.timeout(5):
        for _ in range(CEILING):
            await heir.acquire()


async def test_two_real_workers_keep_it_and_the_rest_waits_in_line(
    desk: Desk, worker_settings: Settings, api: OpenAIImages
) -> None:
    """More jobs than the ceiling over two workers: so many calls at once, all made, none twice."""
    settings = msgspec.structs.replace(
        worker_settings,
        openai_api_key="sk-test",
        openai_base_url=api.base_url,
        jobs_in_flight_max=CEILING,
    )
    async with worker(settings, slot="one"), worker(settings, slot="two"):
        jobs = await paid_jobs(desk, 40)
        await until(lambda: api.under_way_most >= CEILING, 30, what="the ceiling to be reached")
        await all_completed(desk, jobs)
    assert api.under_way_most == CEILING
    assert sorted(api.charged().values()) == [1] * 40
