"""Claims about a worker that has prompts, photos and pictures looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace
from PIL import Image

from events.generations import (
    GenerationCompleted,
    GenerationFailed,
    GenerationStarted,
    ProviderCallUncertain,
)
from events.jobs import GenerateJob
from events.moderation import ModerationVerdict
from processors.moderation import Checked, CheckUnavailable, Moderator, moderator
from processors.providers import ProviderUnavailable, ProviderUncertain
from runtime.settings import Settings
from tests.fakes.checkers import Checkers
from tests.integration.worker.bench import Bench, bench, picture
from tests.integration.worker.desk import Desk
from tests.integration.worker.left_claims import kept, left_by_another
from tests.integration.worker.pictures import left_pictures, whole

RED = 255


class Eyes:
    """A checker that refuses red pictures and what is called bad; it may be away."""

    name = "eyes"
    version = "1"

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.away = False

    async def text(self, text: str) -> Checked:
        self._here()
        self.texts.append(text)
        return Checked("bad/words", "violence") if "bad" in text else Checked()

    async def picture(self, jpeg: bytes) -> Checked:
        self._here()
        with Image.open(BytesIO(jpeg)) as shown:
            red, _, blue = shown.convert("RGB").getpixel((1, 1))  # type: ignore[misc]  # RGB
        return Checked("red", "sexual") if red > blue else Checked()

    async def close(self) -> None:
        """Nothing to close."""

    def _here(self) -> None:
        if self.away:
            raise CheckUnavailable("away")


@pytest_asyncio.fixture(loop_scope="session")
async def checkers() -> AsyncIterator[Checkers]:
    fake = Checkers()
    await fake.start()
    yield fake
    await fake.stop()


def looked_at_by(
    one: Bench, eyes: Eyes, monkeypatch: pytest.MonkeyPatch, *, refuse_unseen: bool = True
) -> None:
    """Let these eyes look at everything that this worker does."""
    monkeypatch.setattr(moderator, "BACKOFF_SECONDS_FIRST", 0.001)
    looking = Moderator(eyes, eyes, refuse_unseen=refuse_unseen, executor=one.tools.executor)
    one.tools = replace(one.tools, moderator=looking)
    one.jobs._tools = one.tools


def verdicts(desk: Desk, job: GenerateJob) -> list[tuple[Any, ...]]:
    """What was said of a job, in the order of the log."""
    said = desk.said(job.generation_id, ModerationVerdict)
    return [(one.stage, one.index, one.round, one.verdict) for one in said]


async def test_a_prohibited_prompt_costs_nothing(
    desk: Desk, worker_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict is in the log, then the failure; nobody was called. An appeal lets it pass."""
    account_id = await desk.account()
    job = desk.job(account_id, prompt="a bad boat")
    allowed = replace(desk.job(account_id, prompt="a bad boat"), allowed=True)
    async with bench(worker_settings) as one:
        looked_at_by(one, eyes := Eyes(), monkeypatch)
        await one.perform(job)
        failed = await desk.fact(job.generation_id, GenerationFailed)
        assert (failed.reason, one.provider.calls) == ("prohibited", [])
        assert verdicts(desk, job) == [("prompt", None, 1, "refused")]
        assert desk.said(job.generation_id, GenerationStarted) == []
        await one.perform(allowed)
        done = await desk.fact(allowed.generation_id, GenerationCompleted)
    assert (done.safety, eyes.texts) == ("checked", ["a bad boat"])
    assert verdicts(desk, allowed) == [("picture", 0, 1, "passed")]
    assert desk.dead == []


async def test_an_unsafe_picture_is_made_again_once(
    desk: Desk, worker_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another seed, for that picture alone; the second call is the second attempt."""
    job = desk.job(await desk.account(), count=3)
    acts = [picture(1), picture(RED), picture(2)], [picture(3)]
    async with bench(worker_settings, *acts) as one:
        looked_at_by(one, Eyes(), monkeypatch)
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [0, 1, 2]
    first, second = one.provider.requests
    assert (first.indices, second.indices, one.provider.calls) == ((0, 1, 2), (1,), [1, 2])
    assert first.seed != second.seed
    assert (done.safety, done.failed_count, done.attempt) == ("checked", 0, 2)
    assert verdicts(desk, job)[-1] == ("picture", 1, 2, "passed")
    assert desk.said(job.generation_id, ProviderCallUncertain) == []
    assert await kept(desk, job) == ("reported", 2)


async def test_one_that_is_unsafe_twice_is_withheld(
    desk: Desk, worker_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are delivered and it is not charged; nothing of it is stored."""
    job = desk.job(await desk.account(), count=2)
    async with bench(worker_settings, [picture(1), picture(RED)], [picture(RED)]) as one:
        looked_at_by(one, Eyes(), monkeypatch)
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [0]
    assert (done.failed_count, one.provider.calls) == (1, [1, 2])


async def test_when_all_are_unsafe_everything_returns(
    desk: Desk, worker_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two calls at most, and a failure that says so."""
    job = desk.job(await desk.account())
    async with bench(worker_settings, [picture(RED)]) as one:
        looked_at_by(one, Eyes(), monkeypatch)
        await one.perform(job)
        failed = await desk.fact(job.generation_id, GenerationFailed)
        assert await one.objects.list("generations/") == []
    assert (failed.reason, one.provider.calls) == ("withheld", [1, 2])


async def test_a_second_call_that_fails_takes_nothing_away(
    desk: Desk, worker_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was made and passed is delivered."""
    account_id = await desk.account()
    for error in (ProviderUnavailable("no"), ProviderUncertain("who knows")):
        job = desk.job(account_id, count=2)
        async with bench(worker_settings, [picture(1), picture(RED)], error) as one:
            looked_at_by(one, Eyes(), monkeypatch)
            await one.perform(job)
            done = await desk.fact(job.generation_id, GenerationCompleted)
            assert await whole(one, done) == [0]
        assert done.failed_count == 1


async def test_killed_while_it_is_made_again(
    desk: Desk, worker_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What passed and is stored is delivered, as checked; there is no third call."""
    job = desk.job(await desk.account(), count=2)
    await left_by_another(desk, job, "failed")
    await left_by_another(desk, job, "submitting", attempt=2, asked=[1])
    async with bench(worker_settings) as one:
        looked_at_by(one, eyes := Eyes(), monkeypatch)
        await left_pictures(one, job, _0=picture(1))
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        assert await whole(one, done) == [0]
    assert (done.safety, done.failed_count, one.provider.calls) == ("checked", 1, [])
    assert eyes.texts == []


async def test_a_photo_is_looked_at_before_anybody_is_paid(
    desk: Desk, worker_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that may not be shown stops the job; a job whose call is under way is not asked anew."""
    account_id = await desk.account()
    key = f"uploads/{account_id}/1.png"
    job = desk.job(account_id, kind="variation", photo_keys=(key,), prompt="")
    going_on = desk.job(account_id, prompt="a bad boat")
    await left_by_another(desk, going_on, "submitted", provider_ref="known")
    async with bench(worker_settings) as one:
        looked_at_by(one, eyes := Eyes(), monkeypatch)
        await one.objects.put_if_absent(key, picture(RED), "image/png")
        await one.perform(job)
        failed = await desk.fact(job.generation_id, GenerationFailed)
        await one.perform(going_on)
        await desk.fact(going_on.generation_id, GenerationCompleted)
    assert (failed.reason, one.provider.calls) == ("prohibited", [])
    assert "photo" in failed.detail
    assert verdicts(desk, job) == [("photo", 0, 1, "refused")]
    assert (eyes.texts, one.provider.resumed) == ([], ["known"])


async def test_when_nobody_looks_the_settings_decide(
    desk: Desk, worker_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`refuse`: no call, all returned. `allow`: made, and marked as unchecked."""
    account_id = await desk.account()
    closed, opened = desk.job(account_id), desk.job(account_id)
    async with bench(worker_settings) as one:
        eyes = Eyes()
        eyes.away = True
        looked_at_by(one, eyes, monkeypatch)
        await one.perform(closed)
        failed = await desk.fact(closed.generation_id, GenerationFailed)
        assert (failed.reason, one.provider.calls) == ("moderation_unavailable", [])
        looked_at_by(one, eyes, monkeypatch, refuse_unseen=False)
        await one.perform(opened)
        done = await desk.fact(opened.generation_id, GenerationCompleted)
    assert done.safety == "unchecked"
    assert [said[3] for said in verdicts(desk, opened)] == ["unavailable"] * 2


async def test_who_is_configured_looks(
    desk: Desk, worker_settings: Settings, checkers: Checkers
) -> None:
    """By the settings alone, over HTTP: a prompt is read and its picture looked at."""
    account_id = await desk.account()
    job, bad = desk.job(account_id), desk.job(account_id, prompt="a boat [sexual]")
    configured = replace(
        worker_settings,
        openai_api_key="sk-test",
        openai_base_url=f"{checkers.base_url}/v1",
        moderation_words="openai",
        moderation_pictures="openai",
    )
    async with bench(configured) as one:
        await one.perform(job)
        await one.perform(bad)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        failed = await desk.fact(bad.generation_id, GenerationFailed)
    assert (done.safety, failed.reason) == ("checked", "prohibited")
    assert (checkers.pictures, len(checkers.texts), one.provider.calls) == (1, 2, [1])


async def test_with_nobody_configured_pictures_are_unchecked(
    desk: Desk, worker_settings: Settings
) -> None:
    """And no verdict pretends otherwise."""
    job = desk.job(await desk.account())
    async with bench(worker_settings) as one:
        await one.perform(job)
        done = await desk.fact(job.generation_id, GenerationCompleted)
    assert (done.safety, verdicts(desk, job)) == ("unchecked", [])
