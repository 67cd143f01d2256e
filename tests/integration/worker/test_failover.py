"""Claims about who is asked when a provider cannot: only after what surely cost nothing."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from events.generations import GenerationCompleted, GenerationFailed, ProviderCallUncertain
from events.jobs import GenerateJob
from processors.providers import (
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    ProviderUnusable,
)
from processors.worker.gates import Gates
from runtime.settings import Settings
from tests.integration.worker.bench import Bench, Scripted, a_worker, picture
from tests.integration.worker.desk import Desk
from tests.integration.worker.left_claims import kept, left_by_another

FIRST, SECOND = "replicate", "fal"
AWAY = ProviderUnavailable("503 three times")


@contextlib.asynccontextmanager
async def two(settings: Settings, acts: list[Any], others: list[Any]) -> AsyncIterator[Bench]:
    """A bench whose model has two providers; the second is `bench.second`."""
    async with a_worker(settings) as tools:
        found = Bench(tools, Scripted(*acts))
        second = Scripted(*others)
        found.provider.name, second.name = FIRST, SECOND
        found.tools = replace(
            found.tools,
            providers={FIRST: found.provider, SECOND: second},
            gates=Gates(failures=2, open_seconds=60),
        )
        found.jobs = type(found.jobs)(found.tools)
        found.second = second
        yield found


async def asked(desk: Desk) -> GenerateJob:
    """A job for a model that both make."""
    job = desk.job(await desk.account())
    return replace(job, request=replace(job.request, model="flux", count=1))


async def test_the_next_one_makes_it(desk: Desk, worker_settings: Settings) -> None:
    """Told with who made it and what that costs; who did nothing costs nothing."""
    job = await asked(desk)
    async with two(worker_settings, [AWAY], [[picture()]]) as one:
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert (one.provider.calls, one.second.calls) == ([1], [1])
    assert (done.provider, done.cost_micros, done.attempt) == (SECOND, 25_000, 1)
    assert done.made_ms >= done.finishing_ms > 0
    claim = await desk.claim(job.generation_id)
    assert (claim["provider"], claim["tried"]) == (SECOND, [FIRST])


@pytest.mark.parametrize(
    ("error", "cost_micros"), [(ProviderRefused("no"), 0), (ProviderUnusable("noise"), 3_000)]
)
async def test_not_after_an_answer(
    desk: Desk, worker_settings: Settings, error: Exception, cost_micros: int
) -> None:
    """A refusal by content rules, and what was paid and is unusable, end the job."""
    job = await asked(desk)
    async with two(worker_settings, [error], [[picture()]]) as one:
        await one.perform(job)
        failed = await desk.fact(job.generation_id, GenerationFailed)
        assert one.second.calls == []
    assert (failed.provider, failed.model, failed.cost_micros) == (FIRST, "flux", cost_micros)


async def test_never_after_a_lost_call(desk: Desk, worker_settings: Settings) -> None:
    """A call that may have been paid is not paid elsewhere once more; it is on the books."""
    job = await asked(desk)
    async with two(worker_settings, [ProviderUncertain("lost"), AWAY], [[picture()]]) as one:
        await one.perform(job)
        failed = await desk.fact(job.generation_id, GenerationFailed)
        assert (one.provider.calls, one.second.calls) == ([1, 2], [])
    assert failed.reason == "provider_unavailable"
    (lost,) = desk.said(job.generation_id, ProviderCallUncertain)
    assert (lost.provider, lost.model, lost.cost_micros) == (FIRST, "flux", 3_000)


async def test_a_claim_is_resumed_where_it_is_held(desk: Desk, worker_settings: Settings) -> None:
    """The provider that holds the claim is asked for its call, not the first of the list."""
    job = await asked(desk)
    await left_by_another(desk, job, "submitted", provider_ref="job-1")
    await desk.execute("UPDATE provider_calls SET provider = $1, tried = $2", SECOND, [FIRST])
    async with two(worker_settings, [[picture()]], [[picture()]]) as one:
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert (one.provider.calls, one.second.resumed) == ([], ["job-1"])
    assert (done.provider, done.cost_micros) == (SECOND, 25_000)
    assert await kept(desk, job) == ("reported", 1)


async def test_what_is_resumed_and_useless_was_paid(desk: Desk, worker_settings: Settings) -> None:
    """A call that ended without a usable picture is on the books, whoever began it."""
    job = await asked(desk)
    await left_by_another(desk, job, "submitted", provider_ref="useless", provider=FIRST)
    async with two(worker_settings, [[picture()]], [[picture()]]) as one:
        await one.perform(job)
        failed = await desk.fact(job.generation_id, GenerationFailed)
    assert (failed.reason, failed.cost_micros) == ("provider_unusable", 3_000)
    assert desk.said(job.generation_id, ProviderCallUncertain) == []


async def test_an_open_breaker_is_passed_by(desk: Desk, worker_settings: Settings) -> None:
    """Who failed often just now is not even asked."""
    async with two(worker_settings, [AWAY], [[picture()]]) as one:
        for _ in range(3):
            job = await asked(desk)
            await one.perform(job)
            await desk.fact(job.generation_id, GenerationCompleted)
        assert (len(one.provider.calls), len(one.second.calls)) == (2, 3)
