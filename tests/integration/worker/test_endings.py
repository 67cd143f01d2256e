"""Claims about how a job ends when it does not end well."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from msgspec.structs import replace

from events.generations import (
    GenerationCancelled,
    GenerationCompleted,
    GenerationFailed,
    ProviderCallUncertain,
)
from events.jobs import DiscardJob
from processors.providers import (
    ProviderMisconfigured,
    ProviderRefused,
)
from processors.worker.jobs import Jobs
from processors.worker.live import Live
from runtime.kafka.errors import AppendRefused
from runtime.objects import ObjectsUnavailable
from runtime.settings import Settings
from runtime.waiting import until
from tests.integration.worker.bench import bench, forever, picture
from tests.integration.worker.desk import MINUTE_MS, Desk
from tests.integration.worker.left_claims import kept


async def test_a_cancelled_job_says_so_and_calls_nobody(
    desk: Desk, worker_settings: Settings
) -> None:
    """`cancelled`: the same event again, since nobody knows whether the gateway's was heard."""
    job = desk.job(await desk.account())
    await desk.execute(
        "INSERT INTO provider_calls (generation_id, attempt, account_id, state) "
        "VALUES ($1, 1, $2, 'cancelled')",
        uuid.UUID(job.generation_id),
        uuid.UUID(job.account_id),
    )
    async with bench(worker_settings) as one:
        await one.perform(job)
        await desk.fact(job.generation_id, GenerationCancelled)
        assert one.provider.calls == []


async def test_a_failed_job_fails_the_same_way_again(desk: Desk, worker_settings: Settings) -> None:
    """`failed`: the kept event is appended again, and nobody is called."""
    job = desk.job(await desk.account())
    async with bench(worker_settings, ProviderRefused("no")) as one:
        await one.perform(job)
        await one.perform(job)
        await desk.wait_for(
            lambda: len(desk.said(job.generation_id, GenerationFailed)) == 2, "both"
        )
        assert one.provider.calls == [1]
    first, second = desk.said(job.generation_id, GenerationFailed)
    assert first == second
    assert first.reason == "provider_refused"
    assert desk.dead == []


async def test_what_somebody_must_look_at_also_goes_to_the_dlq(
    desk: Desk, worker_settings: Settings
) -> None:
    """A misconfigured provider fails the job, returns the credits and leaves a dead letter."""
    job = desk.job(await desk.account())
    async with bench(worker_settings, ProviderMisconfigured("bad key")) as one:
        await one.perform(job)
        await desk.fact(job.generation_id, GenerationFailed)
    await desk.wait_for(lambda: desk.dead, "the dead letter")
    assert dict(desk.dead[0].headers)["dlq_error"] == b"bad key"


async def test_a_crash_inside_a_paid_call_is_booked_and_not_repeated(
    desk: Desk, worker_settings: Settings
) -> None:
    """An exception that nobody expected: uncertain on the books, failed, a dead letter, no call."""
    job = desk.job(await desk.account())
    async with bench(worker_settings, ValueError("a bug")) as one:
        await one.perform(job)
        failed = await desk.fact(job.generation_id, GenerationFailed)
        assert one.provider.calls == [1]
    await desk.wait_for(lambda: desk.dead, "the dead letter")
    assert failed.reason == "internal_error"
    assert len(desk.said(job.generation_id, ProviderCallUncertain)) == 1
    assert await kept(desk, job) == ("failed", 1)


async def test_a_paid_call_is_not_begun_close_to_the_deadline(
    desk: Desk, worker_settings: Settings
) -> None:
    """Unless the provider's limit and a minute fit before the deadline, the job fails unmade."""
    job = desk.job(await desk.account(), deadline_ms=MINUTE_MS)
    async with bench(worker_settings) as one:
        await one.perform(job)
        failed = await desk.fact(job.generation_id, GenerationFailed)
        assert one.provider.calls == []
    assert failed.reason == "too_late"


async def test_fewer_pictures_than_asked_for_are_delivered(
    desk: Desk, worker_settings: Settings
) -> None:
    """Broken and missing pictures are counted as failed; what is left is delivered."""
    job = desk.job(await desk.account(), count=4)
    async with bench(worker_settings, [picture(1), b"broken", picture(3)]) as one:
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
    assert [image.index for image in done.images] == [0, 2]
    assert done.failed_count == 2


@pytest.mark.parametrize("answer", [[], [b"broken"]])
async def test_no_usable_picture_is_a_failure(
    desk: Desk, worker_settings: Settings, answer: list[bytes]
) -> None:
    """An answer without a usable picture returns the credits."""
    job = desk.job(await desk.account())
    async with bench(worker_settings, answer) as one:
        await one.perform(job)
        failed = await desk.fact(job.generation_id, GenerationFailed)
    assert failed.reason == "provider_unusable"


async def test_an_abandoned_job_is_resumed_at_once(desk: Desk, worker_settings: Settings) -> None:
    """A worker that is asked to stop lets go of its claim: the next need not wait."""
    job = desk.job(await desk.account())
    async with bench(worker_settings, forever) as one:
        performing = asyncio.create_task(one.perform(job))
        await until(lambda: one.provider.calls, 10, what="the call")
        performing.cancel()
        await asyncio.wait([performing])
        claim = await desk.claim(job.generation_id)
    assert claim is not None
    assert claim["state"] == "submitting"
    assert await desk.execute("SELECT $1 <= clock_timestamp()", claim["lease_until"])


async def test_prompts_are_opened_for_the_provider_alone(
    desk: Desk, worker_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """The provider sees the prompt in clear; the claim, the log and the log lines do not."""
    secret = "an unmistakable zebra"
    job = desk.job(await desk.account(), prompt=secret)
    async with bench(worker_settings) as one:
        await one.perform(job)
        await desk.fact(job.generation_id, GenerationCompleted)
        assert one.provider.requests[0].prompt == secret
        assert secret not in repr(one.provider.requests[0])
    claim = await desk.claim(job.generation_id)
    assert claim is not None
    assert secret.encode() not in claim["result"]
    shown = capsys.readouterr()
    assert secret not in shown.out + shown.err


async def test_a_discarded_generation_leaves_no_object(
    desk: Desk, worker_settings: Settings
) -> None:
    """A late result's objects are deleted; asked for twice it is no error."""
    job = desk.job(await desk.account())
    async with bench(worker_settings) as one:
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        keys = (done.images[0].object_key, done.images[0].preview_key)
        discard = DiscardJob(
            account_id=job.account_id, generation_id=job.generation_id, object_keys=keys
        )
        await one.perform(discard)
        await one.perform(discard)
        assert [await one.objects.head(key) for key in keys] == [None, None]


async def test_a_discard_of_somebody_elses_objects_is_poison(
    desk: Desk, worker_settings: Settings
) -> None:
    """A job that names other objects than its generation's deletes nothing."""
    job = desk.job(await desk.account())
    async with bench(worker_settings) as one:
        await one.objects.put_if_absent("snapshots/1", b"precious", "text/plain")
        await one.perform(
            DiscardJob(
                account_id=job.account_id,
                generation_id=job.generation_id,
                object_keys=("snapshots/1",),
            )
        )
        assert await one.objects.get("snapshots/1") == b"precious"
    await desk.wait_for(lambda: desk.dead, "the dead letter")


class Broken:
    """An object store that is away."""

    async def put_if_absent(self, key: str, *_: object) -> bool:
        raise ObjectsUnavailable(f"{key}: away")

    get = put_if_absent
    delete = put_if_absent


async def test_without_a_store_the_credits_return(desk: Desk, worker_settings: Settings) -> None:
    """Storing is tried until the deadline; then the job fails and is put aside."""
    job = desk.job(await desk.account(), deadline_ms=1_500)
    settings = replace(worker_settings, worker_retry_seconds=0.1)
    async with bench(settings, free=True) as one:
        one.provider.timeout_seconds = 0.1
        one.jobs = Jobs(replace(one.tools, objects=Broken()))
        await one.perform(job)
        failed = await desk.fact(job.generation_id, GenerationFailed)
    await desk.wait_for(lambda: desk.dead, "the dead letter")
    assert failed.reason == "internal_error"
    assert dict(desk.dead[0].headers)["dlq_code"] == b"objects-unavailable"


class Deaf:
    """A log that takes nothing."""

    async def append(self, *_: object, **__: object) -> None:
        raise AppendRefused("no")


async def test_without_a_log_nothing_is_acked(desk: Desk, worker_settings: Settings) -> None:
    """When not even the dead letter can be appended, performing raises: the worker stops unacked.

    The result stays in the claim, so the next delivery appends it without another call.
    """
    job = desk.job(await desk.account())
    async with bench(worker_settings) as one:
        hearing = one.jobs
        one.jobs = Jobs(replace(one.tools, producer=Deaf(), live=Live(Deaf())))
        with pytest.raises(AppendRefused):
            await one.perform(job)
        assert (await kept(desk, job))[0] == "stored"
        await desk.execute("UPDATE provider_calls SET lease_until = clock_timestamp()")
        one.jobs = hearing
        await one.perform(job)
        await desk.fact(job.generation_id, GenerationCompleted)
        assert one.provider.calls == [1]


async def test_a_request_that_nobody_sells_is_refused(
    desk: Desk, worker_settings: Settings
) -> None:
    """A job of a size or count that no gateway of ours asks for calls nobody."""
    job = desk.job(await desk.account(), count=1_000_000_000)
    async with bench(worker_settings) as one:
        await one.perform(job)
        failed = await desk.fact(job.generation_id, GenerationFailed)
        assert one.provider.calls == []
    assert failed.reason == "unsupported_request"
