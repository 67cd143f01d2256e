"""Claims about leases: who holds a generation, and who must wait or let go."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from structlog.testing import capture_logs

from events.generations import (
    GenerationCompleted,
)
from processors.worker.claiming import HELD_BY_ANOTHER
from processors.worker.facts import Facts
from runtime.settings import Settings
from runtime.waiting import until
from tests.integration.worker.bench import bench, forever, picture
from tests.integration.worker.desk import Desk
from tests.integration.worker.left_claims import left_by_another


def _waits(logs: list[Any]) -> bool:
    return any(one["event"] == HELD_BY_ANOTHER for one in logs)


async def test_a_live_lease_is_waited_for(desk: Desk, worker_settings: Settings) -> None:
    """While another worker holds the claim nobody is called; when it ends, its work is resumed."""
    job = desk.job(await desk.account())
    await left_by_another(desk, job, "submitting", lease_seconds=60)
    async with bench(worker_settings) as one:
        with capture_logs() as logs:
            performing = asyncio.create_task(one.perform(job))
            await until(lambda: _waits(logs), 10, what="the wait")
        await asyncio.wait([performing], timeout=1.0)
        assert one.provider.calls == []
        await desk.execute("UPDATE provider_calls SET lease_until = clock_timestamp()")
        await performing
        assert one.provider.calls == [2]


async def test_another_workers_result_ends_the_wait(desk: Desk, worker_settings: Settings) -> None:
    """A claim that becomes `reported` while it is waited for leaves nothing to do."""
    job = desk.job(await desk.account())
    await left_by_another(desk, job, "stored", lease_seconds=60, result=b"{}")
    async with bench(worker_settings) as one:
        with capture_logs() as logs:
            performing = asyncio.create_task(one.perform(job))
            await until(lambda: _waits(logs), 10, what="the wait")
        await desk.execute("UPDATE provider_calls SET state = 'reported', lease_until = NULL")
        await performing
        assert one.provider.calls == []
    await desk.read_on()
    assert desk.said(job.generation_id, GenerationCompleted) == []


async def test_two_workers_make_one_call(desk: Desk, worker_settings: Settings) -> None:
    """The same job in two workers at once is one call and one result."""
    job = desk.job(await desk.account())
    async with bench(worker_settings) as one, bench(worker_settings) as other:
        await asyncio.gather(one.perform(job), other.perform(job))
        await desk.fact(job.generation_id, GenerationCompleted)
        assert len(one.provider.calls + other.provider.calls) == 1


async def test_a_held_lease_is_renewed(desk: Desk, worker_settings: Settings) -> None:
    """A call that takes longer than a lease keeps its claim, and nobody else calls."""
    job = desk.job(await desk.account())
    answered = asyncio.Event()

    async def slow(*_: object) -> list[bytes]:
        await answered.wait()
        return [picture()]

    async with bench(worker_settings, slow) as one, bench(worker_settings) as other:
        first = asyncio.create_task(one.perform(job))
        await until(lambda: one.provider.calls, 10, what="the call")
        second = asyncio.create_task(other.perform(job))
        begun = await desk.claim(job.generation_id)
        assert begun is not None

        async def renewed_past_its_end() -> bool:
            return bool(await desk.execute("SELECT clock_timestamp() > $1", begun["lease_until"]))

        await until(renewed_past_its_end, 20, what="the end of the first lease")
        answered.set()
        await asyncio.gather(first, second)
        assert (one.provider.calls, other.provider.calls) == ([1], [])


async def test_who_lost_the_lease_does_not_report(desk: Desk, worker_settings: Settings) -> None:
    """A worker that slept through its lease finds out before it tells a result of its own."""
    job = desk.job(await desk.account())

    async def overslept(*_: object) -> list[bytes]:
        await desk.execute(
            "UPDATE provider_calls SET lease_epoch = lease_epoch + 1, "
            "lease_until = clock_timestamp() + interval '1 hour'"
        )
        return [picture()]

    async with bench(worker_settings, overslept) as one:
        performing = asyncio.create_task(one.perform(job))
        await until(lambda: one.provider.calls, 10, what="the call")
        await asyncio.wait([performing], timeout=1.0)
        assert not performing.done()
        await desk.execute(
            "UPDATE provider_calls SET state = 'stored', result = $1",
            Facts(one.tools.producer, one.tools.clock, job, None).completed(
                (), provider="local", attempt=1, safety="unchecked"
            ),
        )
        await desk.execute("UPDATE provider_calls SET state = 'reported', lease_until = NULL")
        await performing
        assert one.provider.calls == [1]
        assert await one.objects.list("") == []
    await desk.read_on()
    assert desk.said(job.generation_id, GenerationCompleted) == []


async def test_the_claims_of_the_dead_are_free(desk: Desk, worker_settings: Settings) -> None:
    """What a process that has ended held may be taken at once, and goes on the books as ever."""
    job, others = desk.job(await desk.account()), desk.job(await desk.account())
    dead, alive = uuid.uuid4(), uuid.uuid4()
    await left_by_another(desk, job, "submitting", lease_seconds=600, holder=dead)
    await left_by_another(desk, others, "submitting", lease_seconds=600, holder=alive)
    async with bench(worker_settings) as one:
        assert await one.tools.claims.free([dead]) == 1
        assert await one.tools.claims.free([dead]) == 0
        await one.perform(job)
        await desk.fact(job.generation_id, GenerationCompleted)
        assert one.provider.calls == [2]
        still_held = await one.tools.claims.latest(others.generation_id)
    assert still_held is not None
    assert still_held.lease_seconds > 500


async def test_who_takes_a_claim_is_its_holder(desk: Desk, worker_settings: Settings) -> None:
    """After a takeover and a second call the claim is the new process's, not the dead one's."""
    job = desk.job(await desk.account())
    dead = uuid.uuid4()
    await left_by_another(desk, job, "submitting", holder=dead)
    async with bench(worker_settings, forever) as one:
        performing = asyncio.create_task(one.perform(job))
        await until(lambda: one.provider.calls, 10, what="the call")
        assert await one.tools.claims.free([dead]) == 0
        claim = await desk.claim(job.generation_id)
        assert claim is not None
        assert claim["holder"] not in {dead, None}
        performing.cancel()
        await asyncio.wait([performing])
