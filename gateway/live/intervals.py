"""From many times that something took to the few seconds that are said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

TOLD_BY_MAX: Final = 64
"""So many of all times that were seen, evenly chosen, stand for them."""
FAST: Final = 0.05
SLOW: Final = 0.95
"""Which parts of what was seen an interval leaves out."""
LESS: Final = 0.5
MORE: Final = 1.0
"""Which parts of a wait among pictures that come at once it may be less, or more: as many again
may be asked for, and come before."""


def whole_seconds(milliseconds: float) -> int:
    """Rounded up; a second at least."""
    return max(1, -int(-milliseconds // 1000))


def thinned(ordered: list[int]) -> list[int]:
    """`TOLD_BY_MAX` of them at most, the first and the last included."""
    if len(ordered) <= TOLD_BY_MAX:
        return ordered
    last = TOLD_BY_MAX - 1
    return [ordered[place * (len(ordered) - 1) // last] for place in range(TOLD_BY_MAX)]


def spread(
    ends: Sequence[tuple[float, float]], sooner_ms: float, later_ms: float, slow_ms: float
) -> tuple[int, int]:
    """Seconds from the fast twentieth to the slow twentieth of these ends, and more.

    Args:
        ends: when it may end, in order, each with what of that is waiting to be finished; ms.
        sooner_ms: how much sooner it may be.
        later_ms: how much later.
        slow_ms: when slow ones were there lately; what made them wait may come again.
    """
    low_ms, low_wait_ms = ends[int(FAST * (len(ends) - 1))]
    high_ms, high_wait_ms = ends[slow_place(ends)]
    soonest_ms = low_ms - LESS * low_wait_ms - sooner_ms
    latest_ms = max(high_ms + MORE * high_wait_ms + later_ms, slow_ms)
    return max(0, int(soonest_ms // 1000)), whole_seconds(latest_ms)


def slow_place(ordered: Sequence[object]) -> int:
    """Where the slow twentieth begins."""
    return -int(-SLOW * (len(ordered) - 1) // 1)
