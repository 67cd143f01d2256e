"""Claims about what a worker does with a claim that it finds, state by state (design §4)."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from msgspec.structs import replace

from events.generations import (
    GenerationCancelled,
    GenerationCompleted,
    GenerationFailed,
    GenerationStarted,
    ProviderCallUncertain,
)
from events.jobs import DiscardJob, GenerateJob
from processors.providers import (
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUncertain,
)
from processors.worker.jobs import Jobs
from processors.worker.live import Live
from processors.worker.storing import original_key
from runtime.kafka.errors import AppendRefused
from runtime.objects import ObjectsUnavailable
from runtime.settings import Settings
from runtime.waiting import until
from tests.integration.worker.bench import bench, forever, picture
from tests.integration.worker.desk import MINUTE_MS, Desk


async def left_by_another(
    desk: Desk, job: GenerateJob, state: str, *, lease_seconds: float = -1.0, **columns: object
) -> None:
    """Put a claim there, as a worker that is gone left it."""
    values = {"result": None, "provider_ref": None, "attempt": 1, "lease_epoch": 7} | columns
    await desk.execute(
        "INSERT INTO provider_calls (generation_id, attempt, account_id, state, lease_epoch, "
        "lease_until, provider, provider_ref, result) VALUES ($1, $2, $3, $4, $5, "
        "clock_timestamp() + make_interval(secs => $6), 'local', $7, $8)",
        uuid.UUID(job.generation_id),
        values["attempt"],
        uuid.UUID(job.account_id),
        state,
        values["lease_epoch"],
        lease_seconds,
        values["provider_ref"],
        values["result"],
    )


async def kept(desk: Desk, job: GenerateJob) -> tuple[str, int]:
    """State and attempt of the latest claim."""
    claim = await desk.claim(job.generation_id)
    assert claim is not None
    return claim["state"], claim["attempt"]


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


async def test_stored_pictures_are_found_before_anybody_is_called(
    desk: Desk, worker_settings: Settings
) -> None:
    """`submitting` with an ended lease, but a picture is there: it is delivered without a call."""
    job = desk.job(await desk.account(), count=2)
    await left_by_another(desk, job, "submitting")
    async with bench(worker_settings) as one:
        key = original_key(job.account_id, job.generation_id, 1)
        await one.objects.put_if_absent(key, picture(5), "image/png")
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert one.provider.calls == []
        assert await one.objects.head(done.images[0].preview_key) is not None
    assert [(image.index, image.object_key) for image in done.images] == [(1, key)]
    assert done.failed_count == 1
    assert desk.said(job.generation_id, ProviderCallUncertain) == []


async def test_a_result_describes_the_stored_picture(desk: Desk, worker_settings: Settings) -> None:
    """Where another worker stored first, its picture is what the result tells of."""
    job = desk.job(await desk.account())
    async with bench(worker_settings, [picture(200)]) as one:
        key = original_key(job.account_id, job.generation_id, 0)

        async def overtaken(*_: object) -> list[bytes]:
            await one.objects.put_if_absent(key, picture(5), "image/png")
            return [picture(200)]

        one.provider.acts = [overtaken]
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        stored = await one.objects.get(key)
    assert stored == picture(5)
    assert done.images[0].size_bytes == len(picture(5))


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


async def test_a_live_lease_is_waited_for(desk: Desk, worker_settings: Settings) -> None:
    """While another worker holds the claim nobody is called; when it ends, its work is resumed."""
    job = desk.job(await desk.account())
    await left_by_another(desk, job, "submitting", lease_seconds=60)
    async with bench(worker_settings) as one:
        performing = asyncio.create_task(one.perform(job))
        await desk.wait_for(lambda: desk.progress.get(job.generation_id), "the job to be taken")
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
        performing = asyncio.create_task(one.perform(job))
        await desk.wait_for(lambda: desk.progress.get(job.generation_id), "the job to be taken")
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
        await desk.execute("UPDATE provider_calls SET state = 'stored', result = '{}'")
        await desk.execute("UPDATE provider_calls SET state = 'reported', lease_until = NULL")
        await performing
        assert one.provider.calls == [1]
    await desk.read_on()
    assert desk.said(job.generation_id, GenerationCompleted) == []


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
