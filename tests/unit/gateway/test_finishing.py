"""Estimates where pictures come faster than they are finished, and where they do not."""

from __future__ import annotations

import heapq
from random import Random
from statistics import median

import pytest

from gateway.live.changes import Completed, Picture, Reserved, Started
from gateway.live.waiting_line import WaitingLine

THREADS = 2
FINISHING_SECONDS = 0.15
PROVIDER_SECONDS = 10.0
DEADLINE_MS = 600_000

Said = tuple[int, tuple[int, int], float]


class Workers:
    """Begin everything at once, and finish what comes in its order, a few at a time."""

    def __init__(self, seed: int, *, workers: int = 1, unevenness: float = 0.0) -> None:
        self.random = Random(seed)
        self.unevenness = unevenness
        self.now = 1_000.0
        self.free_at = [0.0] * THREADS * workers
        self.line = WaitingLine(1_000, lambda: int(self.now * 1000), threads=THREADS)
        self.offset = 0
        self.comes: list[tuple[float, str]] = []
        self.ends: list[tuple[float, str, int]] = []
        self.ended: dict[str, float] = {}

    def tell(self, change: object) -> None:
        self.offset += 1
        self.line.take(0, self.offset, int(self.now * 1000), change)

    def ask(self, name: str) -> Said:
        decision = {"account_id": "a", "sequence": 1, "previous_hash": "", "cause_hash": ""}
        deadline_ms = int(self.now * 1000) + DEADLINE_MS
        self.tell(Reserved(**decision, generation_id=name, credits=1, deadline_ms=deadline_ms))
        self.tell(Started("a", name, "openai"))
        lasts = PROVIDER_SECONDS * self.random.lognormvariate(0, self.unevenness)
        heapq.heappush(self.comes, (self.now + lasts, name))
        eta = self.line.place(name, "openai").eta_seconds
        return eta or 0, self.line.interval(name, "openai") or (0, 0), self.now

    def go_on(self, until: float) -> None:
        while self.comes or self.ends:
            come = self.comes[0][0] if self.comes else until + 1
            end = self.ends[0][0] if self.ends else until + 1
            if min(come, end) > until:
                break
            if come <= end:
                self.finish(*heapq.heappop(self.comes))
            else:
                self.now, name, finishing_ms = heapq.heappop(self.ends)
                self.tell(Completed("a", name, (Picture("p"),), finishing_ms=finishing_ms))
                self.ended[name] = self.now
        self.now = until

    def finish(self, at: float, name: str) -> None:
        begins = max(at, heapq.heappop(self.free_at))
        end = begins + FINISHING_SECONDS * self.random.uniform(0.8, 1.2)
        heapq.heappush(self.free_at, end)
        heapq.heappush(self.ends, (end, name, int(1000 * (end - at))))

    def asked(self, count: int, pause: float) -> list[Said]:
        """What is said to so many who ask after such pauses on average."""
        said = []
        for _ in range(count):
            said.append((f"asked {self.offset}", self.ask(f"asked {self.offset}")))
            self.go_on(self.now + self.random.expovariate(1 / pause))
        self.go_on(self.now + 600)
        return [(eta, within, self.ended[name] - at) for name, (eta, within, at) in said]


def true(said: list[Said]) -> tuple[float, float]:
    """The median error, and the share of those that came within what was said."""
    held = [low <= came <= high for _, (low, high), came in said]
    return median(abs(eta - came) / came for eta, _, came in said), sum(held) / len(held)


@pytest.mark.parametrize("unevenness", [0.0, 0.25])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_burst_waits_to_be_finished(seed: int, unevenness: float) -> None:
    """A hundred in a second, after quiet times and after a burst: what is said comes true."""
    workers = Workers(seed, unevenness=unevenness)
    workers.asked(20, 1.0)
    for _ in range(2):
        error, held = true(workers.asked(100, 0.01))
        assert error <= 0.25
        assert held >= 0.8


@pytest.mark.parametrize("pause", [0.5, 0.1, 0.02])
def test_without_a_line_nobody_waits(pause: float) -> None:
    """However many workers finish what comes steadily, no wait is foreseen that never comes."""
    workers = Workers(1, workers=10)
    workers.asked(500, pause)
    error, held = true(workers.asked(500, pause))
    assert error <= 0.1
    assert held >= 0.8
