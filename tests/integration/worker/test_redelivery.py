"""Claims about what a worker does with a claim that it finds, state by state (design §4)."""

from __future__ import annotations

from events.generations import (
    GenerationCompleted,
    GenerationFailed,
    GenerationStarted,
    ProviderCallUncertain,
)
from processors.providers import (
    ProviderUncertain,
)
from runtime.settings import Settings
from tests.integration.worker.bench import bench, picture
from tests.integration.worker.desk import Desk
from tests.integration.worker.left_claims import kept, left_by_another


async def test_a_job_delivered_again_is_neither_made_nor_told_again(
    desk: Desk, worker_settings: Settings
) -> None:
    """`reported`: nothing is left to do."""
    job = desk.job(await desk.account())
    async with bench(worker_settings) as one:
        await one.perform(job)
        await one.perform(job)
        await desk.fact(job.generation_id, GenerationCompleted)
        assert one.provider.calls == [1]
    await desk.read_on()
    assert len(desk.said(job.generation_id, GenerationCompleted)) == 1
    assert await kept(desk, job) == ("reported", 1)


async def test_a_stored_result_is_appended_byte_for_byte(
    desk: Desk, worker_settings: Settings
) -> None:
    """`stored`: the kept event is appended, and no provider is called."""
    job = desk.job(await desk.account())
    async with bench(worker_settings) as one:
        await one.perform(job)
        first = await desk.fact(job.generation_id, GenerationCompleted)
        claim = await desk.claim(job.generation_id)
        await desk.execute("DELETE FROM provider_calls")
        assert claim is not None
        await left_by_another(desk, job, "stored", result=claim["result"])
        await one.perform(job)
        await desk.wait_for(
            lambda: len(desk.said(job.generation_id, GenerationCompleted)) == 2, "the second"
        )
        assert one.provider.calls == [1]
    assert desk.said(job.generation_id, GenerationCompleted)[1] == first
    assert await kept(desk, job) == ("reported", 1)


async def test_a_lost_call_is_made_once_more_and_goes_on_the_books(
    desk: Desk, worker_settings: Settings
) -> None:
    """`submitting` with an ended lease and nothing stored: booked as uncertain, then one call."""
    job = desk.job(await desk.account())
    await left_by_another(desk, job, "submitting")
    async with bench(worker_settings) as one:
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert one.provider.calls == [2]
    assert done.attempt == 2
    (uncertain,) = desk.said(job.generation_id, ProviderCallUncertain)
    assert uncertain.attempt == 1
    kinds = [type(event) for event in desk.events[job.generation_id]]
    assert kinds.index(ProviderCallUncertain) < kinds.index(GenerationStarted)
    assert await kept(desk, job) == ("reported", 2)


async def test_there_is_no_third_call(desk: Desk, worker_settings: Settings) -> None:
    """When the second call is lost too, it is booked as well, and the job fails."""
    job = desk.job(await desk.account())
    await left_by_another(desk, job, "failed", attempt=1)
    await left_by_another(desk, job, "submitting", attempt=2)
    async with bench(worker_settings) as one:
        await one.perform(job)
        failed = await desk.fact(job.generation_id, GenerationFailed)
        assert one.provider.calls == []
    assert failed.reason == "provider_uncertain"
    assert [one.attempt for one in desk.said(job.generation_id, ProviderCallUncertain)] == [2]
    assert await kept(desk, job) == ("failed", 2)


async def test_an_uncertain_answer_is_followed_by_one_more_call(
    desk: Desk, worker_settings: Settings
) -> None:
    """The same holds while the worker lives: a timeout is booked before the second call."""
    job = desk.job(await desk.account())
    async with bench(worker_settings, ProviderUncertain("no answer"), [picture()]) as one:
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert one.provider.calls == [1, 2]
    assert done.attempt == 2
    assert [one.attempt for one in desk.said(job.generation_id, ProviderCallUncertain)] == [1]


async def test_two_uncertain_answers_are_enough(desk: Desk, worker_settings: Settings) -> None:
    """Both are on the books, and the credits return."""
    job = desk.job(await desk.account())
    async with bench(worker_settings, ProviderUncertain("no answer")) as one:
        await one.perform(job)
        failed = await desk.fact(job.generation_id, GenerationFailed)
        assert one.provider.calls == [1, 2]
    assert failed.reason == "provider_uncertain"
    assert [one.attempt for one in desk.said(job.generation_id, ProviderCallUncertain)] == [1, 2]


async def test_a_submitted_call_is_asked_for(desk: Desk, worker_settings: Settings) -> None:
    """`submitted`: the provider's job is resumed, not begun again, and nothing is uncertain."""
    job = desk.job(await desk.account())
    await left_by_another(desk, job, "submitted", provider_ref="job-1")
    async with bench(worker_settings) as one:
        await one.perform(job)
        await desk.fact(job.generation_id, GenerationCompleted)
        assert (one.provider.calls, one.provider.resumed) == ([], ["job-1"])
    assert desk.said(job.generation_id, ProviderCallUncertain) == []


async def test_a_submitted_call_that_is_unknown_is_uncertain(
    desk: Desk, worker_settings: Settings
) -> None:
    """A provider that forgot its own reference leaves the call uncertain."""
    job = desk.job(await desk.account())
    await left_by_another(desk, job, "submitted", provider_ref="forgotten")
    async with bench(worker_settings) as one:
        await one.perform(job)
        await desk.fact(job.generation_id, GenerationCompleted)
        assert one.provider.calls == [2]
    assert len(desk.said(job.generation_id, ProviderCallUncertain)) == 1


async def test_a_providers_reference_is_kept_as_soon_as_it_is_known(
    desk: Desk, worker_settings: Settings
) -> None:
    """What `Call.submitted` is told is durable before the answer comes."""
    job = desk.job(await desk.account())

    async def submits(_: object, call: object) -> list[bytes]:
        await call.submitted("job-9")  # type: ignore[attr-defined]
        claim = await desk.claim(job.generation_id)
        assert claim is not None
        assert (claim["state"], claim["provider_ref"]) == ("submitted", "job-9")
        return [picture()]

    async with bench(worker_settings, submits) as one:
        await one.perform(job)
        await desk.fact(job.generation_id, GenerationCompleted)


async def test_a_free_call_is_made_again_without_ado(desk: Desk, worker_settings: Settings) -> None:
    """A provider that costs nothing is called again, and nothing goes on the books."""
    job = desk.job(await desk.account())
    await left_by_another(desk, job, "submitting")
    async with bench(worker_settings, free=True) as one:
        await one.perform(job)
        await desk.fact(job.generation_id, GenerationCompleted)
        assert one.provider.calls == [1]
    assert desk.said(job.generation_id, ProviderCallUncertain) == []
