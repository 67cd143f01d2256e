"""How a run goes: who asks for how much, what the provider does, and when a worker is struck."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from runtime.waiting import until
from tests.chaos.faults import WORKERS, Faults, Planned
from tests.chaos.load import Customer, Promises
from tests.chaos.paid import queueing
from tests.chaos.paid.judging import check_paid
from tests.chaos.provider import LOSES, ROUGH, Moods, MoodyModel
from tests.chaos.run import Outcome, Report, Scene, play
from tests.chaos.stack import Stack
from tests.chaos.wanting import GPT

JOBS_EACH = 20
"""About so many: then the limit of starts spreads them over some minutes."""
PAUSE_SECONDS = (4.0, 20.0)
"""At times longer than a lease, or than the group waits for a member."""
BETWEEN_SECONDS = (4.0, 12.0)
"""Between two wishes of one customer, as far as the limit of starts allows."""
AFTER_SECONDS = (1.0, 6.0)
"""Between two faults at least: who is started again is hit while it works, at times."""
BATCH_SIZES = (3, 5, 8)
MODELS = (GPT, GPT, queueing.MODEL)
"""The calls of the first cannot be asked for again, those of the other can."""
LOOK_SECONDS = 0.2
RUN_SECONDS_MAX = 1200.0
"""Then what was asked for until then is judged."""
TIMEOUT_SECONDS = 25
"""After which a worker gives a call up."""

MOODS = Moods(
    latency_seconds=(0.5, 5.0),
    # Of those that are lost, some answers only come when nobody waits for them any more.
    troubles={**ROUGH, "[drop]": LOSES * 0.3, f"[hang:{TIMEOUT_SECONDS + 5}]": LOSES * 0.2},
    late_share=0.10,
    late_seconds=(8.0, 18.0),
)


class Form(NamedTuple):
    """How much of it."""

    jobs: int
    kills: int
    pauses: int


@dataclass
class Shopper(Customer):
    """Asks as fast as the limits allow, and pays for all of it."""

    batch_sizes: tuple[int, ...] = BATCH_SIZES
    models: tuple[str, ...] = MODELS

    async def sign_in(self) -> None:
        """Log in, and buy enough."""
        await super().sign_in()
        await self._buy("studio")

    async def shop(self, stop: asyncio.Event) -> None:
        """Ask until told to stop."""
        while not stop.is_set():
            await self._wish()
            try:
                await asyncio.wait_for(stop.wait(), self.random.uniform(*BETWEEN_SECONDS))
            except TimeoutError:
                continue


@dataclass
class PacedFaults(Faults):
    """Strikes whenever so many more jobs were accepted, and ends with the last of the jobs."""

    promises: Promises = field(default_factory=Promises)
    jobs: int = 0

    async def run(self) -> None:
        """Do all of them; returns when enough jobs were accepted too, or after the longest time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RUN_SECONDS_MAX):
                await super().run()
                await self._accepted(self.jobs)

    async def _wait_for(self, one: Planned) -> None:
        share = (len(self.done) + 1) / (len(self.planned) + 1)
        await self._accepted(round(self.jobs * share))
        await super()._wait_for(one)

    async def _accepted(self, jobs: int) -> None:
        await until(
            lambda: len(self.promises.accepted) >= jobs, RUN_SECONDS_MAX, LOOK_SECONDS, "the jobs"
        )


def plan(form: Form, chance: random.Random) -> list[Planned]:
    """Kills and pauses of workers, shuffled; between two there is at least a moment."""
    kinds = ["kill"] * form.kills + ["pause"] * form.pauses
    victims = [WORKERS[number % len(WORKERS)] for number in range(len(kinds))]
    chance.shuffle(kinds)
    chance.shuffle(victims)
    return [
        Planned(
            chance.uniform(*AFTER_SECONDS),
            victim,
            kind,
            chance.uniform(*PAUSE_SECONDS) if kind == "pause" else 0.0,
        )
        for kind, victim in zip(kinds, victims, strict=True)
    ]


async def run(form: Form, *, seed: int, folder: Path, report: Report) -> Outcome:
    """Disturb so many jobs and judge what is left.

    Raises:
        RuntimeError, TimeoutError: it did not even start.
    """
    chance = random.Random(seed)
    planned = plan(form, chance)
    model = MoodyModel(random.Random(chance.random()), MOODS)
    queue = queueing.MoodyQueue(random.Random(chance.random()), MOODS.latency_seconds)
    promises = Promises()

    def faults(stack: Stack) -> Faults:
        return PacedFaults(
            stack.data_dir,
            stack.pid,
            model.port,
            planned,
            _with_jobs(report, promises),
            report_every=5,
            promises=promises,
            jobs=form.jobs,
        )

    scene = Scene(
        seed,
        model,
        max(2, form.jobs // JOBS_EACH),
        faults,
        Shopper,
        promises,
        lambda: {"PIXELPOP_PROVIDER_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS), **queue.settings()},
        queue,
        checks=lambda outcome: check_paid(outcome, form.jobs, form.kills + form.pauses),
        resume_seconds_max=None,  # who is killed so often is not expected back so soon
    )
    return await play(scene, folder, report)


def _with_jobs(report: Report, promises: Promises) -> Callable[[str], None]:
    return lambda text: report(f"{text}; {len(promises.accepted)} jobs accepted")
