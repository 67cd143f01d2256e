"""One run: the system under load, faults, rest, evidence, verdict."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import aiohttp

from runtime.waiting import until
from tests.chaos import faults as breaking
from tests.chaos.books import Verdict
from tests.chaos.checks import check_all
from tests.chaos.evidence import (
    Call,
    Evidence,
    ask_api,
    caught_up,
    read_log,
    read_objects,
    read_tables,
)
from tests.chaos.faults import Faults
from tests.chaos.load import Customer, Promises, open_shop
from tests.chaos.oracle import judge
from tests.chaos.provider import ROUGH, Moods, MoodyModel
from tests.chaos.recovery import RESUME_SECONDS_MAX, Resumed, resumed
from tests.chaos.stack import Stack

LEAVE_SECONDS_MAX = 150.0
"""How long customers may take to get their last answers."""
REST_SECONDS_MAX = 120.0
"""How long the system may take to come to rest once nobody disturbs it."""
LOOK_EVERY_SECONDS = 1.0

Report = Callable[[str], None]


@dataclass(frozen=True)
class Form:
    """How long and how hard."""

    faults: int
    customers: int
    servers: bool
    """Whether Kafka, PostgreSQL and object storage are hit too."""
    between_seconds: tuple[float, float]
    """Between two faults."""
    moods: Moods
    """Of the image model."""


FULL = Form(100, 40, servers=True, between_seconds=(0.5, 6.0), moods=Moods((0.5, 6.0)))
QUICK = Form(8, 16, servers=False, between_seconds=(0.2, 1.5), moods=Moods((0.2, 2.0), ROUGH))


@dataclass
class Outcome:
    """What a run ended with."""

    seed: int
    folder: Path
    verdict: Verdict
    promises: Promises
    evidence: Evidence
    faults: Faults
    resumed: list[Resumed]
    problems: list[str] = field(default_factory=list)
    restarts: dict[str, int] = field(default_factory=dict)
    memory_mib: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each part of the run took."""
    tail: str = ""


class OtherModel(Protocol):
    """A second model that keeps a diary."""

    async def start(self) -> None:
        """Serve."""
        ...

    async def stop(self) -> None:
        """Serve no more."""
        ...

    def history(self, promises: Promises) -> list[Call]:
        """Every request that it took."""
        ...


@dataclass
class Scene:
    """Who takes part in a run."""

    seed: int
    model: MoodyModel
    customers: int
    faults: Callable[[Stack], Faults]
    """What will go wrong."""
    customer: Callable[..., Customer] = Customer
    promises: Promises = field(default_factory=Promises)
    settings: Callable[[], dict[str, str]] = dict
    """Of the system, by the names of their variables; asked for once the models are there."""
    other: OtherModel | None = None
    """A second model, beside OpenAI's."""
    checks: Callable[[Outcome], Iterable[str]] = lambda _: ()
    """What must hold of this scene beside everything else."""
    resume_seconds_max: float | None = RESUME_SECONDS_MAX
    """How soon the jobs of a killed worker must go on; None: that is not judged."""


async def run(form: Form, *, seed: int, folder: Path, report: Report) -> Outcome:
    """Break a system again and again and judge what is left of it.

    Raises:
        RuntimeError, TimeoutError: it did not even start.
    """
    chance = random.Random(seed)
    plan = breaking.plan(form.faults, chance, form.between_seconds, servers=form.servers)
    model = MoodyModel(random.Random(chance.random()), form.moods)

    def faults(stack: Stack) -> Faults:
        return Faults(stack.data_dir, stack.pid, model.port, plan, report)

    return await play(Scene(seed, model, form.customers, faults), folder, report)


async def play(scene: Scene, folder: Path, report: Report) -> Outcome:
    """Start a system, let the scene happen, and judge what is left.

    Raises:
        RuntimeError, TimeoutError: it did not even start.
    """
    models: list[MoodyModel | OtherModel] = [scene.model]
    models += [] if scene.other is None else [scene.other]
    for model in models:
        await model.start()
    stack = Stack(folder, scene.model.base_url, more=scene.settings())
    clock = _Stopwatch()
    try:
        async with stack, aiohttp.ClientSession(connector=_connector()) as http:
            report(f"up on port {stack.port} after {clock.lap('start'):.1f} s, data in {folder}")
            crowd = [
                scene.customer(
                    stack.base_url,
                    stack.bot_token,
                    1000 + number,
                    http,
                    scene.promises,
                    random.Random(f"{scene.seed}/{number}"),
                )
                for number in range(scene.customers)
            ]
            outcome = await _ordeal(stack, crowd, scene, clock, report)
    finally:
        for model in models:
            await model.stop()
    clock.lap("stop")
    outcome.seconds, outcome.tail = clock.seconds, stack.tail()
    if stack.status != 0:
        outcome.problems.append(f"pixelpop up ended with status {stack.status}")
    outcome.problems += [f"left running: {one}" for one in await stack.leftovers()]
    return outcome


async def _ordeal(
    stack: Stack, crowd: list[Customer], scene: Scene, clock: _Stopwatch, report: Report
) -> Outcome:
    faults, enough = scene.faults(stack), asyncio.Event()
    shopping = await open_shop(crowd, enough)
    try:
        await faults.run()
    finally:
        enough.set()
    report(f"{len(faults.done)} faults in {clock.lap('faults'):.0f} s; the customers leave")
    problems = await _leave(shopping)
    problems += [] if await _at_rest(stack) else ["it did not come to rest"]
    report(f"at rest after {clock.lap('rest'):.1f} s")
    settings = stack.settings()
    calls = [] if scene.other is None else scene.other.history(scene.promises)
    evidence = Evidence(calls=scene.model.history() + calls)
    await ask_api(crowd, evidence)
    evidence.tables = await read_tables(settings)
    await read_objects(settings, evidence)
    verdict = judge(await read_log(settings))
    outcome = Outcome(
        scene.seed,
        stack.folder,
        verdict,
        scene.promises,
        evidence,
        faults,
        resumed(verdict, evidence.calls, faults.done),
        restarts=stack.restarts(),
        memory_mib=stack.memory_mib(),
    )
    outcome.problems = [
        *problems,
        *check_all(verdict, scene.promises, evidence, faults.done),
        *_check_processes(outcome),
        *_check_recovery(outcome, scene.resume_seconds_max),
        *scene.checks(outcome),
    ]
    clock.lap("checks")
    return outcome


async def _leave(shopping: asyncio.Future[list[BaseException | None]]) -> list[str]:
    """Let the customers get their last answers."""
    try:
        async with asyncio.timeout(LEAVE_SECONDS_MAX):
            left = await shopping
    except TimeoutError:
        return [f"customers still waited for an answer after {LEAVE_SECONDS_MAX:g} s"]
    return [f"a customer gave up: {one!r}" for one in left if one is not None]


async def _at_rest(stack: Stack) -> bool:
    """Wait until everything is decided and settled, and the read models know it."""

    async def quiet() -> bool:
        settings = stack.settings()
        log = await read_log(settings)
        return not judge(log).open and await caught_up(settings, log)

    try:
        await until(quiet, REST_SECONDS_MAX, LOOK_EVERY_SECONDS, "the system to come to rest")
    except TimeoutError:
        return False
    return True


def _check_processes(outcome: Outcome) -> list[str]:
    """Everybody who was ended was started again."""
    return [
        f"{victim} was ended {times} times and started again {outcome.restarts.get(victim)} times"
        for victim, times in outcome.faults.kills.items()
        if outcome.restarts.get(victim, 0) < times
    ]


def _check_recovery(outcome: Outcome, seconds_max: float | None) -> list[str]:
    if seconds_max is None:
        return []
    return [
        f"{one.generation_id}, killed in mid-call, went on after {one.seconds} s, "
        f"{one.undisturbed_seconds} s after the last fault of a server"
        for one in outcome.resumed
        if one.undisturbed_seconds is None or one.undisturbed_seconds > seconds_max
    ]


def _connector() -> aiohttp.TCPConnector:
    # Every request on a connection of its own: one that a killed gateway left is no use.
    return aiohttp.TCPConnector(limit=0, force_close=True)


class _Stopwatch:
    """Names the parts of a run and how long they took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, name: str) -> float:
        """The part that has just ended."""
        now = time.monotonic()
        self.seconds[name] = now - self._last
        self._last = now
        return self.seconds[name]
