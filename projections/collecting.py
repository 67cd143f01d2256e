"""Python's garbage collector, set for a process that makes records by the million."""

from __future__ import annotations

import gc

_YOUNG_OBJECTS = 20_000
_MIDDLE_ROUNDS = 50
_OLD_ROUNDS = 100


def collect_rarely() -> None:
    """Look for reference cycles rarely: nothing here makes any, and batches die by counting.

    With the defaults a batch is searched again and again while it is being folded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, _MIDDLE_ROUNDS, _OLD_ROUNDS)
