"""When a delivery that failed is tried again: ten attempts within a day, ever further apart."""

from __future__ import annotations

from typing import Final

DELAYS_SECONDS: Final = (5, 60, 300, 1_800, 7_200, 14_400, 18_000, 21_600, 21_600)
"""Before the second, third, … attempt: 23.6 hours in all."""
ATTEMPTS_MAX: Final = len(DELAYS_SECONDS) + 1
"""Attempts of one delivery, until somebody asks for it again."""
JITTER: Final = 0.1
"""By how much a delay may be longer, so that many that failed at once do not come back at once."""


def delay_seconds(tries: int, chance: float, asked_seconds: float | None = None) -> float | None:
    """How long to wait after the attempt number `tries`; None: it was the last one.

    Args:
        tries: attempts so far, from 1.
        chance: between 0 and 1.
        asked_seconds: what the receiver's `Retry-After` asks for; heeded up to the longest delay.
    """
    assert tries >= 1
    if tries >= ATTEMPTS_MAX:
        return None
    planned = DELAYS_SECONDS[tries - 1] * (1 + JITTER * chance)
    return max(planned, min(asked_seconds or 0.0, float(max(DELAYS_SECONDS))))
