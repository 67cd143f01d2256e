"""Claims about a worker that was thought dead and goes on, while storing or before its call."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from events.generations import GenerationCompleted
from processors.providers import ProviderRefused
from processors.worker.facts import Facts
from processors.worker.storing import Gallery
from runtime.settings import Settings
from runtime.waiting import until
from tests.integration.worker.bench import bench, picture
from tests.integration.worker.desk import Desk
from tests.integration.worker.left_claims import left_by_another
from tests.integration.worker.pictures import (
    Watched,
    larger,
    left_pictures,
    on_objects,
    stored,
    whole,
)


async def test_the_worker_that_was_thought_dead_may_store_first(
    desk: Desk, worker_settings: Settings
) -> None:
    """A stalled worker stores its pictures during the extra call: the result tells of its own."""
    job = desk.job(await desk.account(), count=3)
    await left_by_another(desk, job, "submitting")
    async with bench(worker_settings) as one:
        await left_pictures(one, job, _0=picture(1))

        async def overtaken(*_: object) -> list[bytes]:
            await left_pictures(one, job, _1=larger(5))
            return [picture(2), picture(3)]

        one.provider.acts = [overtaken]
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [0, 1, 2]
        assert await stored(one, job, 1) == larger(5)
        assert await stored(one, job, 2) == picture(3)


async def test_what_it_stored_counts_although_the_extra_call_fails(
    desk: Desk, worker_settings: Settings
) -> None:
    """What a stalled worker stored before the result was fixed is delivered."""
    job = desk.job(await desk.account(), count=2)
    await left_by_another(desk, job, "submitting")
    async with bench(worker_settings) as one:
        await left_pictures(one, job, _0=picture(1))

        async def overtaken(*_: object) -> list[bytes]:
            await left_pictures(one, job, _1=larger(5))
            raise ProviderRefused("no")

        one.provider.acts = [overtaken]
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [0, 1]


async def test_what_is_stored_after_the_result_is_deleted(
    desk: Desk, worker_settings: Settings
) -> None:
    """A worker that stalled while storing gives nothing for free: what no result names goes."""
    job = desk.job(await desk.account(), count=2)

    async def settled_without_it(key: str) -> None:
        if not key.endswith("/1.png"):
            return
        other = Gallery(
            one.objects, one.tools.executor, job.account_id, job.generation_id
        )  # which took over, found the first picture and could not make the second
        found = [image for image in (await other.find([0])).values() if image is not None]
        facts = Facts(one.tools.producer, one.tools.clock, job, None)
        result = facts.completed(tuple(found), provider="local", attempt=2, safety="unchecked")
        await facts.append_result(result)
        await desk.execute(
            "UPDATE provider_calls SET lease_epoch = lease_epoch + 1, state = 'reported', "
            "lease_until = NULL, result = $1",
            result,
        )

    async with bench(worker_settings, [picture(1), picture(2)]) as one:
        on_objects(one, Watched(settled_without_it))
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [0]
        keys = await one.objects.list("")
    assert keys == sorted(done.images[0].object_keys)


async def test_who_overslept_stores_nothing(desk: Desk, worker_settings: Settings) -> None:
    """An answer that comes when another worker goes on is dropped before it is stored."""
    job = desk.job(await desk.account())

    async def overslept(*_: object) -> list[bytes]:
        await desk.execute(
            "UPDATE provider_calls SET lease_epoch = lease_epoch + 1, "
            "lease_until = clock_timestamp() + interval '1 hour'"
        )
        await one.tools.leases.renew()
        return [picture()]

    async with bench(worker_settings, overslept) as one:
        performing = asyncio.create_task(one.perform(job))
        await until(lambda: one.provider.calls, 10, what="the call")
        await asyncio.wait([performing], timeout=1.0)
        assert not performing.done()
        assert await one.objects.list("") == []
        performing.cancel()
        await asyncio.wait([performing])


async def test_who_overslept_calls_nobody(
    desk: Desk, worker_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that slept between its claim and its call finds out before it pays."""
    job = desk.job(await desk.account())
    async with bench(worker_settings) as one:
        claims = one.tools.claims
        taking = claims.take

        async def slow(*values: Any) -> Any:
            lease = await taking(*values)
            if lease is not None:
                await desk.execute(
                    "UPDATE provider_calls SET lease_epoch = lease_epoch + 1, state = 'reported', "
                    "lease_until = NULL, result = '{}' WHERE generation_id = $1",
                    uuid.UUID(job.generation_id),
                )
            return lease

        monkeypatch.setattr(claims, "take", slow)
        monkeypatch.setattr(one.tools.leases, "is_fresh", lambda _: False)
        await one.perform(job)
    assert one.provider.calls == []
