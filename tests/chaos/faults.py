"""What goes wrong: kills, pauses and stops at random instants, planned from one seed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psutil

from runtime import registry

VICTIMS = ("gateway", "decider", "decider-2", "worker", "worker-2", "projector")
SERVERS = ("kafka", "postgres", "s3")
WORKERS = ("worker", "worker-2")
PAUSED_SHARE = 0.25
PAUSE_SECONDS = {
    **dict.fromkeys(VICTIMS, (0.5, 15.0)),  # at times longer than a session or a lease
    **dict.fromkeys(SERVERS, (1.0, 8.0)),
}
SERVER_SHARE = 0.12
SERVER_KINDS = ("kill", "pause", "stop")
WAIT_FOR_VICTIM_SECONDS = 20.0
"""Who is being started again is waited for so long; then the fault hits the next that lives."""
EVERY_SECONDS = 0.05
REPORT_EVERY = 20
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGTERM, "pause": signal.SIGSTOP}
FAST_SHUTDOWN = signal.SIGINT
"""At SIGTERM PostgreSQL would wait for its clients to leave (its manual, "Shutting Down")."""


class Planned(NamedTuple):
    """A fault to come."""

    after_seconds: float
    """Since the fault before."""
    victim: str
    kind: str
    """`kill`, `pause`, or (servers only) `stop`: SIGTERM."""
    pause_seconds: float


class Fault(NamedTuple):
    """One thing that was done."""

    began: float
    """Wall clock, in seconds, as everything in a run's evidence."""
    ended: float
    """When a pause was over; for a kill, the same as `began`."""
    victim: str
    kind: str
    calls: int
    """Connections to the provider that the victim had at that instant."""


def plan(
    count: int, chance: random.Random, between_seconds: tuple[float, float], *, servers: bool
) -> list[Planned]:
    """A series of faults in which, if there are enough, everybody is killed at least once."""
    of_servers = round(count * SERVER_SHARE) if servers else 0
    blows = [*_deck(SERVERS, SERVER_KINDS, chance, of_servers)]
    blows += _deck(VICTIMS, ("kill",), chance, min(len(VICTIMS), count - of_servers))
    while len(blows) < count:
        kind = "pause" if chance.random() < PAUSED_SHARE else "kill"
        blows.append((chance.choice(VICTIMS), kind))
    chance.shuffle(blows)
    return [
        Planned(chance.uniform(*between_seconds), victim, kind, _pause(chance, victim, kind))
        for victim, kind in blows
    ]


def _deck(
    victims: tuple[str, ...], kinds: tuple[str, ...], chance: random.Random, count: int
) -> list[tuple[str, str]]:
    """Every victim with every kind, shuffled, again and again: so few faults still vary."""
    cards: list[tuple[str, str]] = []
    while len(cards) < count:
        deck = [(victim, kind) for kind in kinds for victim in victims]
        chance.shuffle(deck)
        cards += deck
    return cards[:count]


def _pause(chance: random.Random, victim: str, kind: str) -> float:
    return chance.uniform(*PAUSE_SECONDS[victim]) if kind == "pause" else 0.0


@dataclass
class Faults:
    """Carries a plan out against the processes that `processes.json` names."""

    data_dir: Path
    supervisor_pid: int
    provider_port: int
    planned: list[Planned]
    report: Callable[[str], None]
    report_every: int = REPORT_EVERY
    done: list[Fault] = field(default_factory=list)
    _paused: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Do all of them; returns when whoever was paused goes on."""
        try:
            for one in self.planned:
                await self._wait_for(one)
                await self._strike(one)
                if len(self.done) % self.report_every == 0:
                    self.report(f"{len(self.done)} of {len(self.planned)} faults done")
            await asyncio.gather(*self._paused.values())
        finally:
            for task in self._paused.values():
                task.cancel()  # which resumes
            await asyncio.gather(*self._paused.values(), return_exceptions=True)

    async def _wait_for(self, one: Planned) -> None:
        """Until it is time for this one."""
        await asyncio.sleep(one.after_seconds)

    @property
    def kills(self) -> Counter[str]:
        """How often each process was ended."""
        return Counter(fault.victim for fault in self.done if fault.kind != "pause")

    async def _strike(self, one: Planned) -> None:
        victim, process = await self._living(one.victim)
        calls = self._calls(process)
        pack = list(_with_children(process)) if one.kind == "pause" else [process]
        began = time.time()
        for member in pack:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.send_signal(_signal(victim, one.kind))
        ended = began + one.pause_seconds
        self.done.append(Fault(began, ended, victim, one.kind, calls))
        if one.kind == "pause":
            resuming = asyncio.create_task(_resume(pack, one.pause_seconds), name=victim)
            self._paused[victim] = resuming
            resuming.add_done_callback(lambda _: self._paused.pop(victim, None))

    async def _living(self, victim: str) -> tuple[str, psutil.Process]:
        """The victim, once it runs; after some seconds anybody else of its kind that does."""
        kind = SERVERS if victim in SERVERS else VICTIMS
        deadline = time.monotonic() + WAIT_FOR_VICTIM_SECONDS
        while True:
            names = (victim,) if time.monotonic() < deadline else kind
            for name in names:
                process = self._process(name)
                if process is not None and name not in self._paused:
                    return name, process
            await asyncio.sleep(EVERY_SECONDS)

    def _process(self, name: str) -> psutil.Process | None:
        """A process of this run and of no other: its parent is our supervisor."""
        entry = registry.read(self.data_dir).get(name)
        if entry is None or entry.pid == 0:
            return None
        try:
            process = psutil.Process(entry.pid)
            ours = process.ppid() == self.supervisor_pid
            return process if ours and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def _calls(self, process: psutil.Process) -> int:
        try:
            connections = process.net_connections(kind="tcp")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return 0
        return sum(
            one.status == psutil.CONN_ESTABLISHED
            and bool(one.raddr)
            and one.raddr[1] == self.provider_port
            for one in connections
        )


def _signal(victim: str, kind: str) -> signal.Signals:
    return FAST_SHUTDOWN if (victim, kind) == ("postgres", "stop") else SIGNALS[kind]


def _with_children(process: psutil.Process) -> Iterator[psutil.Process]:
    """PostgreSQL is many processes; a pause is one of all."""
    yield process
    with contextlib.suppress(psutil.NoSuchProcess):
        yield from process.children(recursive=True)


async def _resume(pack: list[psutil.Process], after_seconds: float) -> None:
    try:
        await asyncio.sleep(after_seconds)
    finally:
        for member in pack:
            with contextlib.suppress(psutil.NoSuchProcess):
                os.kill(member.pid, signal.SIGCONT)
