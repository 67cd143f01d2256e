"""Python's garbage collector, set for processes that make records by the million."""

from __future__ import annotations

import gc

_YOUNG_OBJECTS = 500_000
"""Container allocations between two looks for garbage."""
_MIDDLE_ROUNDS = 20
_OLD_ROUNDS = 100


def collect_rarely() -> None:
    """Look for reference cycles rarely.

    Records and states come in tens of thousands, live long and hold no cycles: they die by
    counting. With Python's own thresholds, looking through them takes half of a reader's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, _MIDDLE_ROUNDS, _OLD_ROUNDS)
