"""What goes wrong: kills and pauses of our processes, at random instants, from one seed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

PAUSE_SECONDS = (0.5, 15.0)
"""Long enough, at times, for a partition to move away from a paused decider."""
BETWEEN_SECONDS = (0.3, 3.0)
PAUSED_SHARE = 0.25
VICTIMS = ("gateway", "decider", "decider-2", "worker", "worker-2", "projector")


@dataclass
class Fault:
    """One thing that was done to a process."""

    at: float
    victim: str
    kind: str


@dataclass
class Faults:
    """A seeded series of faults against the processes that `processes.json` names."""

    data_dir: Path
    count: int
    random: random.Random
    done: list[Fault] = field(default_factory=list)
    _resuming: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Do all of them, and resume whoever is still paused."""
        while len(self.done) < self.count:
            await asyncio.sleep(self.random.uniform(*BETWEEN_SECONDS))
            self._strike(self.random.choice(VICTIMS))
        await asyncio.gather(*self._resuming)

    def _strike(self, victim: str) -> None:
        pid = self._pid(victim)
        if pid is None or any(task.get_name() == victim for task in self._resuming):
            return  # being restarted, or paused
        paused = self.random.random() < PAUSED_SHARE
        try:
            os.kill(pid, signal.SIGSTOP if paused else signal.SIGKILL)
        except ProcessLookupError:
            return
        self.done.append(Fault(time.monotonic(), victim, "pause" if paused else "kill"))
        if paused:
            task = asyncio.create_task(self._resume(pid), name=victim)
            self._resuming.add(task)
            task.add_done_callback(self._resuming.discard)

    async def _resume(self, pid: int) -> None:
        try:
            await asyncio.sleep(self.random.uniform(*PAUSE_SECONDS))
        finally:
            with contextlib.suppress(ProcessLookupError):  # killed while it was paused
                os.kill(pid, signal.SIGCONT)

    def _pid(self, victim: str) -> int | None:
        try:
            entries = json.loads((self.data_dir / "processes.json").read_bytes())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        entry = entries.get(victim)
        return None if entry is None else entry["pid"]
