"""How good the estimates are: a queue is simulated, what was said compared with what came."""

from __future__ import annotations

import heapq
from random import Random
from statistics import median

import pytest

from gateway.live.changes import Completed, Picture, Reserved, Started
from gateway.live.waiting_line import WaitingLine

SLOTS = 10
TYPICAL_SECONDS = 10.0
DEADLINE_MS = 600_000


class Queue:
    """Workers who take in order, and the line that sees what they tell."""

    def __init__(self, seed: int, unevenness: float) -> None:
        self.random = Random(seed)
        self.unevenness = unevenness
        self.now = 1_000.0
        self.line = WaitingLine(SLOTS, lambda: int(self.now * 1000))
        self.offset = 0
        self.waiting: list[str] = []
        self.ends: list[tuple[float, str]] = []
        self.ended: dict[str, float] = {}

    def tell(self, change: object) -> None:
        self.offset += 1
        self.line.take(0, self.offset, int(self.now * 1000), change)

    def ask(self, name: str) -> None:
        self.tell(
            Reserved(
                account_id="a",
                sequence=1,
                previous_hash="",
                cause_hash="",
                generation_id=name,
                credits=1,
                deadline_ms=int(self.now * 1000) + DEADLINE_MS,
            )
        )
        self.waiting.append(name)
        self.take()

    def take(self) -> None:
        while self.waiting and len(self.ends) < SLOTS:
            name = self.waiting.pop(0)
            self.tell(Started("a", name, "openai"))
            lasts = TYPICAL_SECONDS * self.random.lognormvariate(0, self.unevenness)
            heapq.heappush(self.ends, (self.now + lasts, name))

    def go_on(self, until: float) -> None:
        while self.ends and self.ends[0][0] <= until:
            self.now, name = heapq.heappop(self.ends)
            self.tell(Completed("a", name, (Picture("p"),)))
            self.ended[name] = self.now
            self.take()
        self.now = until


def said_and_came(queue: Queue, gaps: list[float]) -> list[tuple[int, tuple[int, int], float]]:
    """What was said to each who asked after such pauses, and how long it took."""
    for number in range(40):
        queue.ask(f"earlier {number}")
    queue.go_on(queue.now + 1_000)
    said = {}
    for number, gap in enumerate(gaps):
        queue.go_on(queue.now + gap)
        name = f"asked {number}"
        queue.ask(name)
        eta = queue.line.place(name, "openai").eta_seconds
        interval = queue.line.interval(name, "openai")
        assert eta is not None
        assert interval is not None
        assert interval[0] <= interval[1]
        said[name] = (eta, interval, queue.now)
    queue.go_on(queue.now + 1_000)
    return [(eta, within, queue.ended[name] - at) for name, (eta, within, at) in said.items()]


@pytest.mark.parametrize("unevenness", [0.02, 0.25])
@pytest.mark.parametrize("load", ["burst", "steady", "too much"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_estimates_come_true(load: str, unevenness: float, seed: int) -> None:
    """The median error is a quarter at most, and four of five come inside the interval."""
    queue = Queue(seed, unevenness)
    pause = {"burst": 0.01, "steady": 1.3, "too much": 0.8}[load]
    gaps = [queue.random.expovariate(1 / pause) for _ in range(100)]
    pairs = said_and_came(queue, gaps)
    errors = [abs(eta - came) / came for eta, _, came in pairs]
    held = [low <= came <= high for _, (low, high), came in pairs]
    assert median(errors) <= 0.25
    assert sum(held) / len(held) >= 0.8
