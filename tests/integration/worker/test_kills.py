"""A worker that dies at any step of a paid job: what it had begun is paid at most once more.

The crash is an exception that nobody catches, at the very step: nothing after it is done, no lease
is let go. Another worker, which knows that the first is dead, goes on. Providers are the real ones,
before stand-ins that charge for each request.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from msgspec.structs import replace

from events.generations import GenerationCompleted, GenerationFailed, ProviderCallUncertain
from events.jobs import GenerateJob
from processors.providers import Provider, polling
from processors.providers.fal import FalProvider
from processors.providers.openai import OpenAIProvider
from processors.worker.claims import Claims
from processors.worker.facts import Facts
from processors.worker.storing import Gallery
from runtime.objects import MemoryObjects
from runtime.settings import Settings
from tests.fakes.fal import KEY, Fal
from tests.fakes.openai_images import OpenAIImages
from tests.integration.worker.bench import Bench, Scripted, a_worker
from tests.integration.worker.desk import Desk
from tests.integration.worker.pictures import whole
from tests.unit.providers.calls import Silence

PICTURES = 2


class Killed(BaseException):
    """The process is gone: nobody handles it, nothing is tidied up."""


class Step(NamedTuple):
    """Where a worker dies: before or after it has called this."""

    owner: type
    name: str
    after: bool = False


STEPS = {
    "before claim": Step(Claims, "take"),
    "after claim": Step(Claims, "take", after=True),
    "before submit": Step(Provider, "generate"),
    "submitted, not noted": Step(Claims, "submitted"),
    "after submit": Step(Claims, "submitted", after=True),
    "after the answer": Step(Provider, "generate", after=True),
    "before store": Step(Gallery, "store"),
    "one of two stored": Step(MemoryObjects, "put_if_absent", after=True),
    "after store": Step(Gallery, "store", after=True),
    "before append": Step(Facts, "append_result"),
    "before ack": Step(Facts, "append_result", after=True),
    "after ack": Step(Claims, "reported", after=True),
}

OPENAI = {
    # Charged by the stand-in, booked as uncertain.
    "before claim": (1, 0),
    "after claim": (1, 1),  # nobody can know that nothing was sent
    "before submit": (1, 1),
    "after the answer": (2, 1),
    "before store": (2, 1),
    "one of two stored": (2, 1),
    "after store": (1, 0),
    "before append": (1, 0),
    "before ack": (1, 0),
    "after ack": (1, 0),
}
FAL = {
    **dict.fromkeys(STEPS, (1, 0)),
    "after claim": (1, 1),
    "before submit": (1, 1),
    # The only instant at which a call that can be asked for is lost: its id was on its way to us.
    "submitted, not noted": (2, 1),
}
CASES = [(name, step) for name, known in (("openai", OPENAI), ("fal", FAL)) for step in known]


class Shop(NamedTuple):
    """A provider, and what it would have charged."""

    provider: Provider
    model: str
    charged: Callable[[GenerateJob, str], int]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shops() -> AsyncIterator[dict[str, Shop]]:
    """One that cannot be asked for a call, and one that can."""
    images, queue = OpenAIImages(), Fal()
    await images.start()
    await queue.start()
    settings = Settings(
        openai_api_key="sk-test",
        openai_base_url=images.base_url,
        fal_key=KEY,
        fal_base_url=queue.base_url,
        provider_allowed_networks="127.0.0.1/32",
    )
    openai, fal = OpenAIProvider(settings), FalProvider(settings, Silence())

    def of_images(job: GenerateJob, _: str) -> int:
        return images.charged().get(job.generation_id, 0)

    def of_queue(_: GenerateJob, prompt: str) -> int:
        return sum(count for text, count in queue.charged().items() if prompt in text)

    yield {
        "openai": Shop(openai, "gpt-image", of_images),
        "fal": Shop(fal, "flux-dev", of_queue),
    }
    for one in (openai, fal, images, queue):
        await (one.stop() if isinstance(one, OpenAIImages | Fal) else one.close())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "POLL_SECONDS_FIRST", 0.02)
    monkeypatch.setattr(polling, "POLL_SECONDS_MAX", 0.05)


@contextmanager
def dying(step: Step, provider: Provider) -> Iterator[None]:
    """Whoever does this step inside dies at it, once it begins or once it is done, and is dead."""
    owner = type(provider) if step.owner is Provider else step.owner
    original: Callable[..., Awaitable[Any]] = getattr(owner, step.name)

    is_dead = not step.after

    async def dies(*values: Any, **named: Any) -> Any:
        nonlocal is_dead
        if not is_dead:
            await original(*values, **named)
            is_dead = True
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, step.name, dies)
        yield


@asynccontextmanager
async def next_worker(
    settings: Settings, shop: Shop, objects: MemoryObjects, gone: list[uuid.UUID]
) -> AsyncIterator[Bench]:
    """A worker that knows who is dead, as whoever gets a dead one's slot does."""
    async with a_worker(settings) as tools:
        one = Bench(tools, Scripted())
        one.objects = objects
        one.tools = replace(
            one.tools, objects=objects, providers={shop.provider.name: shop.provider}
        )
        one.jobs = type(one.jobs)(one.tools)
        await tools.claims.free(gone)
        gone.append(tools.claims._holder)
        yield one


async def killed_at(
    settings: Settings, shop: Shop, job: GenerateJob, step: Step, times: int = 1
) -> tuple[Bench, MemoryObjects]:
    """One worker after the other dies at the step, if it gets there; the last is not disturbed."""
    objects, gone = MemoryObjects(), []
    died = 0
    for _ in range(times):
        async with next_worker(settings, shop, objects, gone) as one:
            with dying(step, shop.provider):
                try:
                    await one.perform(job)
                except Killed:
                    died += 1
    assert died
    async with next_worker(settings, shop, objects, gone) as one:
        await one.perform(job)
        return one, objects


async def asked(desk: Desk, shop: Shop) -> tuple[GenerateJob, str]:
    prompt = f"a lighthouse {uuid.uuid4().hex}"
    fields = {"model": shop.model, "prompt": prompt, "count": PICTURES}
    return desk.job(await desk.account(), **fields), prompt


def one_end(desk: Desk, job: GenerateJob) -> Any:
    """The result; told as often as it may be, all are the same bytes, so that one counts."""
    ends = [
        one
        for one in desk.events[job.generation_id]
        if isinstance(one, GenerationCompleted | GenerationFailed)
    ]
    assert ends
    assert all(one == ends[0] for one in ends)
    return ends[0]


@pytest.mark.parametrize(("name", "at"), CASES, ids=[f"{name}, {at}" for name, at in CASES])
async def test_killed(
    desk: Desk, worker_settings: Settings, shops: dict[str, Shop], name: str, at: str
) -> None:
    """One end, every picture once, and no more calls than the books say."""
    shop = shops[name]
    job, prompt = await asked(desk, shop)
    one, objects = await killed_at(worker_settings, shop, job, STEPS[at])
    done = await desk.fact(job.generation_id, GenerationCompleted)
    assert one_end(desk, job) == done
    assert await whole(one, done) == list(range(PICTURES))
    assert await objects.list("") == sorted(
        key for image in done.images for key in image.object_keys
    )
    uncertain = desk.said(job.generation_id, ProviderCallUncertain)
    expected = (OPENAI if name == "openai" else FAL)[at]
    assert (shop.charged(job, prompt), len(uncertain)) == expected
    claim = await desk.claim(job.generation_id)
    assert claim["state"] == "reported"
    assert done.cost_micros + sum(one.cost_micros for one in uncertain) > 0


@pytest.mark.parametrize(
    ("name", "at", "charged", "ends"),
    [
        ("openai", "after the answer", 2, GenerationFailed),
        ("openai", "one of two stored", 2, GenerationCompleted),
        ("openai", "before append", 1, GenerationCompleted),
        ("fal", "after submit", 1, GenerationCompleted),
        ("fal", "before store", 1, GenerationCompleted),
        ("fal", "submitted, not noted", 2, GenerationFailed),
    ],
)
async def test_killed_again_and_again(
    desk: Desk,
    worker_settings: Settings,
    shops: dict[str, Shop],
    name: str,
    at: str,
    charged: int,
    ends: type,
) -> None:
    """Three workers die at the same step: there is never a third call, and one end all the same."""
    shop = shops[name]
    job, prompt = await asked(desk, shop)
    await killed_at(worker_settings, shop, job, STEPS[at], times=3)
    await desk.fact(job.generation_id, ends)
    assert type(one_end(desk, job)) is ends
    assert shop.charged(job, prompt) == charged


async def test_a_refused_prompt_and_a_busy_api_end_as_they_should(
    desk: Desk, worker_settings: Settings, shops: dict[str, Shop]
) -> None:
    """With the real provider too: moderation fails the job, 429 does not, fewer are delivered."""
    shop, account_id = shops["openai"], await desk.account()

    async def performed(prompt: str) -> GenerateJob:
        job = desk.job(account_id, model=shop.model, prompt=prompt, count=3)
        async with next_worker(worker_settings, shop, MemoryObjects(), []) as one:
            await one.perform(job)
        return job

    refused = await performed("a boat [moderation]")
    busy = await performed("a boat [429:0.1]")
    fewer = await performed("a boat [fewer:2]")
    failed = await desk.fact(refused.generation_id, GenerationFailed)
    await desk.fact(busy.generation_id, GenerationCompleted)
    done = await desk.fact(fewer.generation_id, GenerationCompleted)
    assert failed.reason == "provider_refused"
    assert (len(done.images), done.failed_count) == (2, 1)
    assert [shop.charged(job, "") for job in (refused, busy, fewer)] == [0, 1, 1]
    assert desk.dead == []
