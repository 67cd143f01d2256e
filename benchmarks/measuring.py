"""How a row is measured: ours, raw limit and peer in turn, several times over.

Interleaving spreads what else happens on the machine over all three alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from benchmarks.children import ChildFailed
from benchmarks.table import Row

log = structlog.get_logger(__name__)

Figures = Mapping[str, float]
"""By the row's key: one measurement may fill several rows."""
Subject = Callable[[], Awaitable[Figures]]


async def interleave(
    rows: Sequence[Row],
    repeats: int,
    *,
    ours: Subject | None = None,
    raw: Subject | None = None,
    peer: Subject | None = None,
) -> None:
    """Fill the rows. A subject that fails leaves a note instead of a figure; the rest go on."""
    subjects = {"ours": ours, "raw": raw, "peer": peer}
    for repeat in range(repeats):
        for side, subject in subjects.items():
            if subject is None:
                continue
            try:
                figures = await subject()
            except (
                ChildFailed,
                OSError,
                RuntimeError,
                TimeoutError,
                asyncio.InvalidStateError,
            ) as e:
                log.warning("a measurement failed", side=side, repeat=repeat, error=repr(e))
                for row in rows:
                    row.note(f"{side} could not be measured: {e}"[:600])
                subjects[side] = None
                continue
            log.info("measured", side=side, repeat=repeat + 1, **figures)
            for row in rows:
                if row.key in figures:
                    getattr(row, side).append(figures[row.key])
