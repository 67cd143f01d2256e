"""How long pictures wait to be checked, shrunk and stored once their provider has answered.

A provider may draw a hundred at once; the workers finish them a few at a time. Those of a burst,
which all come at the same moment, so stand in a second line that shows only once it is there. It
is foreseen by when the answers of what is being made will come, and by how quickly pictures were
seen to follow each other.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from statistics import median
from typing import Final

LAST_MAX: Final = 256
"""How many of the last generations this is drawn from; the quickest waited for nobody."""
ROW: Final = 16
"""So many in a row show how quickly they follow each other."""
CROWDED: Final = 3
"""Who takes so many times as long as the quickest waited for others."""
STEP_MS: Final = 50
"""Answers that come within such a step come at once."""
PARTS: Final = 10
"""In which a generation is divided among the moments at which its answer may come."""


class Finishing:
    """The line of pictures that have come or will.

    Args:
        threads: how many of one worker finish pictures.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._lasted: deque[int] = deque(maxlen=LAST_MAX)
        self._ends_ms: deque[int] = deque(maxlen=ROW)
        self._gaps_ms: deque[float] = deque(maxlen=LAST_MAX)
        self._crowded_ms: deque[float] = deque(maxlen=LAST_MAX)
        self.pace_ms = 0.0
        """How quickly pictures can follow each other; 0: not known."""
        self._coming: Counter[int] = Counter()
        """By step, the parts of generations whose answers may come then."""

    def ended(self, at_ms: int, finishing_ms: int) -> int:
        """A generation is there whose finishing took so long; how much of that was waiting.

        Args:
            at_ms: when it was there.
            finishing_ms: since its provider's answer; 0: not known, and nothing is learnt.
        """
        if finishing_ms <= 0:
            return 0
        self._lasted.append(finishing_ms)
        quick_ms = min(self._lasted)
        self._ends_ms.append(max([at_ms, *list(self._ends_ms)[-1:]]))
        if len(self._ends_ms) == ROW:
            gap_ms = (self._ends_ms[-1] - self._ends_ms[0]) / (ROW - 1)
            self._gaps_ms.append(gap_ms)
            if finishing_ms > CROWDED * quick_ms:
                self._crowded_ms.append(gap_ms)
        if len(self._crowded_ms) >= ROW:
            self.pace_ms = median(self._crowded_ms)
        else:  # while nobody waits, gaps tell how often pictures come, not how quickly they could
            self.pace_ms = min([quick_ms / self._threads, *self._gaps_ms])
        return max(0, finishing_ms - quick_ms)

    def expect(self, answers_ms: Sequence[float]) -> tuple[int, ...]:
        """The answer to a generation comes at one of these moments; the steps to `forget`.

        Args:
            answers_ms: sorted, as many as there are, each as likely as the others.
        """
        steps = tuple(
            int(answers_ms[part * len(answers_ms) // PARTS] // STEP_MS) for part in range(PARTS)
        )
        self._coming.update(steps)
        return steps

    def forget(self, steps: Sequence[int]) -> None:
        """It is over."""
        for step in steps:
            self._coming[step] -= 1
            if not self._coming[step]:
                del self._coming[step]

    def waits_ms(self, now_ms: float, answers_ms: Sequence[float]) -> list[float]:
        """How long a picture that comes at each of these moments, in order, will wait."""
        pace_ms, waits, ahead, at_ms = self.pace_ms, [], 0.0, now_ms
        if not pace_ms:
            return [0.0] * len(answers_ms)
        steps = sorted(self._coming)
        place = 0
        for answer_ms in answers_ms:
            while place < len(steps) and (steps[place] + 1) * STEP_MS <= answer_ms:
                comes_ms = max((steps[place] + 1) * STEP_MS, now_ms)
                ahead = max(0.0, ahead - (comes_ms - at_ms) / pace_ms)
                ahead += self._coming[steps[place]] / PARTS
                at_ms, place = comes_ms, place + 1
            waits.append(max(0.0, ahead * pace_ms - (max(answer_ms, now_ms) - at_ms)))
        return waits
