"""Who is made next, and when: the line of admitted generations, as the tail of the log shows it.

An open generation is at most a deadline (10 minutes) old, and the gateway's tail begins further
back than that, so what it has read holds the whole line: no question to a database, and nothing of
other accounts but numbers. Like the tail it is a hint, bounded; where it knows nothing it says so.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable
from statistics import median, pstdev
from typing import Any, Final, NamedTuple

from gateway.live.changes import Cancelled, Change, Completed, Failed, Reserved, Settled, Started
from gateway.live.finishing import Finishing
from gateway.live.intervals import slow_place, spread, thinned, whole_seconds

OPEN_MAX: Final = 100_000
"""Generations in the line or being made, each; of those beyond, nothing is known."""
LASTED_MAX: Final = 256
"""How many of a provider's last generations an estimate is drawn from."""
PROVIDERS_MAX: Final = 16
TAKEN_MS: Final = 2_000
"""Who waits longer for a worker shows that all of them are busy."""
STILL_MS: Final = 60_000
"""A line that has not moved for so long (and twice what one takes) may never move again."""
_ENDS: Final = (Completed, Failed, Cancelled, Settled)


class Place(NamedTuple):
    """Where a generation stands; None: not known."""

    position: int | None = None
    """How many are before it; 0: it is next, or being made."""
    eta_seconds: int | None = None
    """Until its pictures are there, as an estimate."""
    interval: tuple[int, int] | None = None
    """Seconds between which that is in nine cases of ten, if things go on as they did lately."""


NOWHERE: Final = Place()


class _Waiting(NamedTuple):
    """Ordered by the time of its admission, then by its offset: the same in every gateway."""

    admitted_at_ms: int
    offset: int
    generation_id: str
    deadline_ms: int


class _Making(NamedTuple):
    provider: str
    started_at_ms: int
    deadline_ms: int
    steps: tuple[int, ...]
    """See `Finishing.expect`."""


class WaitingLine:
    """The line, and how long a generation took lately.

    Args:
        slots: how many at least are made at once when nobody has had to wait: one worker's jobs.
        now_ms: the broker's time.
        open_max: how many are known.
        threads: how many of a worker finish pictures.
    """

    def __init__(
        self,
        slots: int,
        now_ms: Callable[[], int],
        open_max: int = OPEN_MAX,
        *,
        threads: int = 1,
    ) -> None:
        self._slots = slots
        self._now_ms = now_ms
        self._open_max = open_max
        self._finishing = Finishing(threads)
        self._waiting: dict[str, _Waiting] = {}
        self._line: list[_Waiting] = []
        self._making: dict[str, _Making] = {}
        self._lasted: dict[str, deque[int]] = {}
        self._took: dict[str, deque[int]] = {}
        """The same with all waits once they had begun."""
        self._sorted: dict[str, list[int]] = {}
        """What they took, in order, without any wait to be finished."""
        self._typical: dict[str, float] = {}
        self._moved_at_ms = 0

    def take(self, _partition: int, offset: int, at_ms: int, change: Change) -> None:
        """Take in a change of the log that had an effect."""
        if isinstance(change, Reserved):
            self._admit(change, offset, at_ms)
        elif isinstance(change, Started):
            self._start(change, at_ms)
        elif isinstance(change, _ENDS):
            self._end(change, at_ms)

    def place(self, generation_id: str, provider: str) -> Place:
        """Where a generation stands that `provider` makes."""
        self._drop_overdue()
        making = self._making.get(generation_id)
        if making is not None:
            return Place(0, self._rest(making))
        waiting = self._waiting.get(generation_id)
        if waiting is None:
            return NOWHERE
        ahead = bisect_left(self._line, waiting)
        return Place(ahead, self._until_made(ahead, provider))

    def interval(self, generation_id: str, provider: str) -> tuple[int, int] | None:
        """Between which seconds its pictures come, as far as what was seen lately tells."""
        making = self._making.get(generation_id)
        if making is not None:
            ends = self._ends(making.provider, making.started_at_ms - self._now_ms())
            age_ms = self._now_ms() - making.started_at_ms
            slow_ms = self._slow_ms(making.provider) - age_ms
            return spread(ends, 0.0, 0.0, slow_ms) if ends else None
        waiting, any_ms = self._waiting.get(generation_id), self._typical_ms(None)
        if waiting is None or any_ms is None or provider not in self._lasted:
            return None
        ahead = bisect_left(self._line, waiting)
        waits_for, slots = self._waits_for(ahead)
        deviation_ms = pstdev(one for each in self._lasted.values() for one in each)
        wait_ms, unsure_ms = waits_for * any_ms / slots, 2 * deviation_ms * waits_for**0.5 / slots
        # Where all began at once, a place is free only when one of them is through.
        unsure_ms += any_ms if waits_for else 0.0
        ends = self._ends(provider, wait_ms, ahead)
        slow_ms = wait_ms + self._slow_ms(provider)
        return spread(ends, min(unsure_ms, wait_ms), unsure_ms, slow_ms)

    def _admit(self, change: Reserved, offset: int, at_ms: int) -> None:
        known = change.generation_id in self._waiting or change.generation_id in self._making
        if known or len(self._waiting) >= self._open_max:
            return
        waiting = _Waiting(at_ms, offset, change.generation_id, change.deadline_ms)
        self._waiting[change.generation_id] = waiting
        insort(self._line, waiting)

    def _start(self, change: Started, at_ms: int) -> None:
        waiting = self._leave(change.generation_id)
        if waiting is None or len(self._making) >= self._open_max:
            return
        own = self._sorted.get(change.provider)
        steps = self._finishing.expect([at_ms + one for one in own]) if own else ()
        self._making[change.generation_id] = _Making(
            change.provider, at_ms, waiting.deadline_ms, steps
        )
        self._moved_at_ms = at_ms

    def _end(self, change: Any, at_ms: int) -> None:
        self._leave(change.generation_id)
        making = self._making.pop(change.generation_id, None)
        if making is None:
            return
        self._finishing.forget(making.steps)
        self._moved_at_ms = at_ms
        if isinstance(change, Completed) and change.images:
            if making.provider not in self._lasted and len(self._lasted) >= PROVIDERS_MAX:
                return
            lasted = self._lasted.setdefault(making.provider, deque(maxlen=LASTED_MAX))
            took_ms = max(0, at_ms - making.started_at_ms)
            self._took.setdefault(making.provider, deque(maxlen=LASTED_MAX)).append(took_ms)
            waited_ms = self._finishing.ended(at_ms, change.finishing_ms)
            lasted.append(max(0, took_ms - waited_ms))
            self._sorted[making.provider] = thinned(sorted(lasted))
            self._typical.clear()

    def _leave(self, generation_id: str) -> _Waiting | None:
        waiting = self._waiting.pop(generation_id, None)
        if waiting is not None:
            del self._line[bisect_left(self._line, waiting)]
        return waiting

    def _drop_overdue(self) -> None:
        """Forget those whose end was missed: after its deadline nothing is open."""
        now_ms = self._now_ms()
        while self._line and self._line[0].deadline_ms < now_ms:
            self._leave(self._line[0].generation_id)
        while self._making:
            first = next(iter(self._making))
            if self._making[first].deadline_ms >= now_ms:
                break
            self._finishing.forget(self._making.pop(first).steps)

    # Estimates ---------------------------------------------------------------------------------

    def _until_made(self, ahead: int, provider: str) -> int | None:
        """The wait for a worker, then as long as this provider's generations take."""
        own_ms, any_ms = self._typical_ms(provider), self._typical_ms(None)
        if own_ms is None or any_ms is None:
            return None
        now_ms, making = self._now_ms(), len(self._making)
        oldest = self._line[0]
        if now_ms - oldest.admitted_at_ms > TAKEN_MS:
            moved_at_ms = max(self._moved_at_ms, oldest.admitted_at_ms)
            if not making or now_ms - moved_at_ms > STILL_MS + 2 * any_ms:
                return None  # nobody makes anything
        waits_for, slots = self._waits_for(ahead)
        ends = self._ends(provider, waits_for * any_ms / slots, ahead)
        return whole_seconds(median(end_ms for end_ms, _ in ends))

    def _waits_for(self, ahead: int) -> tuple[int, int]:
        """How many must end before one with so many ahead begins, and how many run at once."""
        making = len(self._making)
        slots = max(making, self._slots)
        if self._now_ms() - self._line[0].admitted_at_ms > TAKEN_MS:
            slots = max(making, 1)
        return max(0, ahead + 1 - (slots - making)), slots

    def _rest(self, making: _Making) -> int | None:
        """Until the end, as those went that took longer by now; None: none took as long."""
        ends = self._ends(making.provider, making.started_at_ms - self._now_ms())
        return whole_seconds(median(end_ms for end_ms, _ in ends)) if ends else None

    def _ends(self, provider: str, begins_ms: float, ahead: int = 0) -> list[tuple[float, float]]:
        """When it may end, in order, and how long it waits to be finished for that.

        Args:
            provider: who makes it.
            begins_ms: from now; below 0: it has begun.
            ahead: how many that have not begun yet will begin before it.
        """
        now_ms, pace_ms = self._now_ms(), self._finishing.pace_ms
        answers_ms = [now_ms + begins_ms + one for one in self._sorted.get(provider, ())]
        more_ms = max(0.0, ahead * pace_ms - begins_ms) if ahead else 0.0
        return [
            (max(answer_ms - now_ms, 0.0) + wait_ms + more_ms, wait_ms + more_ms)
            for answer_ms, wait_ms in zip(
                answers_ms, self._finishing.waits_ms(now_ms, answers_ms), strict=True
            )
            # What would have come by now has not, unless others stand before it.
            if begins_ms >= 0 or answer_ms > now_ms or wait_ms > pace_ms
        ]

    def _slow_ms(self, provider: str) -> float:
        """What the slow ones of this provider took lately, from their start to their pictures."""
        took = sorted(self._took.get(provider, (0,)))
        return took[slow_place(took)]

    def _typical_ms(self, provider: str | None) -> float | None:
        """What the provider's (None: everybody's) last ones took; None: there were none."""
        name = provider or ""
        if name not in self._typical:
            lasted = (
                [one for each in self._lasted.values() for one in each]
                if provider is None
                else self._lasted.get(provider, ())
            )
            if not lasted:
                return None
            self._typical[name] = median(lasted)
        return self._typical[name]
