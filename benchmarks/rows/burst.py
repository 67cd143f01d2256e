"""A burst: many requests in one second, with a provider that takes ten seconds for each.

Everything runs, and pictures go into the real object store. Each request is followed at once by a
look at its generation, whose estimate is compared with what came. The worker says itself how much
processor time went into pictures; what is left is what a job costs beside them.
"""

from __future__ import annotations

import asyncio
import math
import re
import statistics
import time
import urllib.request
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from benchmarks import accounts, load
from benchmarks.children import ChildFailed, answers_tcp
from benchmarks.client import Client
from benchmarks.load import Outcome, Target
from benchmarks.measuring import Figures, interleave
from benchmarks.provider import DRAWN
from benchmarks.rows.commands import TOKEN_SECONDS
from benchmarks.rows.finish import Watch
from benchmarks.table import Row
from benchmarks.world import World
from events.ids import AccountId
from gateway.identity.tokens import Tokens
from runtime.ports import free_port
from runtime.process import Ready

SECONDS: Final = 1.0
"""In which all requests are sent, evenly."""
EARLIER: Final = 20
"""Generations before the first burst, from which its estimates are drawn."""
CLIENTS_MAX: Final = 32
PER_MINUTE: Final = 100_000
PROVIDER: Final = "openai-stand-in"
MODEL: Final = "gpt-image"
DONE_SECONDS_MAX: Final = 2.0
"""What may be added to the provider's own time, for the slowest twentieth."""
ACCEPTED: Final = 202
SHOWN: Final = 200
CPU_MS_MAX: Final = 50
ERROR_PERCENT_MAX: Final = 25
HELD_PERCENT_MIN: Final = 80
_PICTURES_CPU = re.compile(r"^pixelpop_worker_picture_cpu_seconds_total (\S+)$", re.MULTILINE)


class _Generation(msgspec.Struct):
    id: str
    eta_seconds: int | None = None
    eta_interval_seconds: tuple[int, int] | None = None


class Said(NamedTuple):
    """What was said of one generation, right after it was accepted."""

    asked_at: float
    """When its request was due."""
    said_at: float
    eta_seconds: int | None
    interval: tuple[int, int] | None


class Cost(NamedTuple):
    """Processor time of the worker until now, in seconds."""

    whole: float
    pictures: float


class Pictures(NamedTuple):
    """What the provider delivers."""

    key: str
    """What the keys of its rows begin with."""
    name: str
    words: str = ""
    """Put behind the prompt, for the provider."""


PICTURES: Final = (
    Pictures("burst", "flat pictures"),
    Pictures("burst_drawn", "drawn pictures", f" {DRAWN}"),
)


def make_rows(pictures: Pictures, jobs: int, seconds: float) -> list[Row]:
    """The empty rows."""
    about = f"{jobs} jobs of {seconds:g} s in one second, {pictures.name}"
    most_ms = 1000 * (seconds + DONE_SECONDS_MAX)

    def row(key: str, name: str, unit: str, target: str = "", *, more: bool = False) -> Row:
        key, name = f"{pictures.key}_{key}", f"{about}: {name}"
        return Row(key, name, unit, target=target, more_is_better=more)

    return [
        row("done", "done", "jobs", str(jobs), more=True),
        row("p50", "POST to done, p50", "ms"),
        row("p95", "POST to done, p95", "ms", f"≤ {most_ms:,.0f}"),
        row("cpu", "worker's processor time a job, but for its picture", "ms", f"≤ {CPU_MS_MAX}"),
        row("picture", "processor time of its picture", "ms"),
        row("error", "how far off estimates are, median", "%", f"≤ {ERROR_PERCENT_MAX}"),
        row("held", "came in the interval that was said", "%", f"≥ {HELD_PERCENT_MIN}", more=True),
    ]


class Burst:
    """Our side.

    Args:
        world: ours; `start` starts what runs in it.
        jobs: of one burst.
        seconds: how long the provider takes.
    """

    def __init__(self, world: World, jobs: int, seconds: float) -> None:
        self._world = world
        self._jobs = jobs
        self._seconds = seconds
        self._gateway = Target(0)
        self._worker_metrics = 0
        self.used: list[str] = []
        """Of each burst: processor time of each process, in milliseconds a job."""

    async def start(self) -> None:
        """All processes, and the provider; then some generations, one after the other."""
        world, port = self._world, free_port()
        arguments = ["-m", "benchmarks.provider", f"--port={port}", f"--seconds={self._seconds}"]
        await world.children.start_python(PROVIDER, arguments, world.environment())
        await world.children.ready(PROVIDER, lambda: answers_tcp(port))
        for process in ("decider", "projector"):
            await world.start(process)
        drawing: dict[str, Any] = {
            "openai_api_key": "sk-stand-in",
            "openai_base_url": f"http://127.0.0.1:{port}/v1",
            # An account that allows all this; else one burst would wait for the minute of another.
            "provider_concurrency": f"openai={2 * self._jobs}",
            "provider_per_minute": f"openai={PER_MINUTE}",
        }
        worker = await world.start("worker", **drawing)
        gateway = await world.start("gateway", **drawing)
        assert isinstance(worker, Ready)
        assert isinstance(gateway, Ready)
        self._worker_metrics, self._gateway = worker.port, Target(gateway.port)
        said, done = await self._asked(EARLIER, self._seconds, PICTURES[0])
        if len(done) < len(said):
            raise ChildFailed(f"{len(done)} of {EARLIER} earlier generations were done")

    async def ours(self, pictures: Pictures) -> Figures:
        """One burst."""
        before, all_before = self._cost(), self._world.cpu_seconds()
        said, done = await self._asked(self._jobs, SECONDS, pictures)
        after, all_after = self._cost(), self._world.cpu_seconds()
        used = {
            name: 1000 * (now - all_before.get(name, 0.0)) / self._jobs
            for name, now in all_after.items()
        }
        self.used.append(", ".join(f"{name} {ms:.1f}" for name, ms in used.items()))
        for_pictures = after.pictures - before.pictures
        beside = after.whole - before.whole - for_pictures
        found = {
            **judged(said, done),
            "cpu": 1000 * beside / self._jobs,
            "picture": 1000 * for_pictures / self._jobs,
        }
        return {f"{pictures.key}_{key}": value for key, value in found.items()}

    async def _asked(
        self, count: int, seconds: float, pictures: Pictures
    ) -> tuple[dict[bytes, Said], dict[bytes, float]]:
        """Ask for so many pictures, spread over `seconds`; what was said, and when each came."""
        tokens = await self._tokens(-(-count // accounts.GENERATIONS_EACH))
        watch = Watch()
        await watch.open(self._gateway, tokens)
        free: asyncio.Queue[Client] = asyncio.Queue()
        for _ in range(min(count, CLIENTS_MAX)):
            free.put_nowait(await Client.connect(self._gateway))
        body = {**accounts.BODY, "model": MODEL, "prompt": accounts.PROMPT + pictures.words}
        began = time.perf_counter()

        async def one(number: int) -> tuple[bytes, Said]:
            due_at = began + number * seconds / count
            await asyncio.sleep(due_at - time.perf_counter())
            token, client = tokens[number % len(tokens)], await free.get()
            try:
                watch.asked(answer := await post(client, token, body), due_at)
                return await look(client, token, answer, due_at)
            finally:
                free.put_nowait(client)

        said = dict(await asyncio.gather(*[one(number) for number in range(count)]))
        done = await watch.done()
        while not free.empty():
            free.get_nowait().close()
        return said, done

    async def _tokens(self, count: int) -> list[str]:
        """Of so many new accounts with credits."""
        world = self._world
        made = await accounts.make_accounts(world.settings, world.owner_url, world.producer, count)
        await world.drained()
        issue = Tokens(str(world.settings.jwt_secret)).issue
        return [issue(AccountId(str(one.account_id)), TOKEN_SECONDS) for one in made]

    def _cost(self) -> Cost:
        address = f"http://127.0.0.1:{self._worker_metrics}/metrics"
        with urllib.request.urlopen(address, timeout=10) as answer:
            found = _PICTURES_CPU.search(answer.read().decode())
        if found is None:
            raise ChildFailed("the worker does not say what its pictures cost")
        return Cost(self._world.children.cpu_seconds("worker"), float(found[1]))


async def post(client: Client, token: str, body: object) -> bytes:
    """Ask for a picture; the answer's body.

    Raises:
        ChildFailed: it was not accepted.
    """
    about = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
    status, answer = await client.ask(load.request("POST", "/generations", about, body))
    if status != ACCEPTED:
        raise ChildFailed(f"a request was answered {status}: {answer[:500]!r}")
    return answer


async def look(client: Client, token: str, accepted: bytes, asked_at: float) -> tuple[bytes, Said]:
    """Look at a generation that was just accepted: its id, and what is said of it.

    Raises:
        ChildFailed: it is not to be seen.
    """
    name = msgspec.json.decode(accepted, type=_Generation).id
    about = {"Authorization": f"Bearer {token}"}
    status, answer = await client.ask(load.request("GET", f"/generations/{name}", about))
    if status != SHOWN:
        raise ChildFailed(f"a generation was answered {status}: {answer[:500]!r}")
    found = msgspec.json.decode(answer, type=_Generation)
    said = Said(asked_at, time.perf_counter(), found.eta_seconds, found.eta_interval_seconds)
    return name.encode(), said


def judged(said: Mapping[bytes, Said], done: Mapping[bytes, float]) -> Figures:
    """How long it took, and how true what was said came; what nothing was said of is wrong."""
    took = Outcome(
        latencies_ms=[1000 * (done[one] - said[one].asked_at) for one in said.keys() & done.keys()]
    )
    errors, held = [], 0
    for one, what in said.items():
        came = done[one] - what.said_at if one in done else math.inf
        errors.append(math.inf if what.eta_seconds is None else abs(what.eta_seconds - came) / came)
        held += what.interval is not None and what.interval[0] <= came <= what.interval[1]
    return {
        "done": len(took.latencies_ms),
        "p50": took.percentile_ms(0.5),
        "p95": took.percentile_ms(0.95),
        "error": 100 * statistics.median(errors),
        "held": 100 * held / len(said),
    }


async def measure(world: World, repeats: int, jobs: int, seconds: float) -> list[Row]:
    """The rows: bursts of flat pictures, then of drawn ones."""
    burst = Burst(world, jobs, seconds)
    await burst.start()
    all_rows = []
    for pictures in PICTURES:
        rows = make_rows(pictures, jobs, seconds)
        await interleave(rows, repeats, ours=partial(burst.ours, pictures))
        all_rows += rows
        rows[0].note(f"milliseconds of processor time a job: {burst.used[-1]}")
    all_rows[0].note(f"estimates are drawn from {EARLIER} earlier ones, and then from bursts too")
    return all_rows
