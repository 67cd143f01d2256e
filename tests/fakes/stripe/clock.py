"""The double's time, which a test may stop and move."""

from __future__ import annotations

import time


class Clock:
    """Unix seconds; runs with the machine until it is stopped."""

    def __init__(self) -> None:
        self._shift_seconds = 0.0
        self._stopped_at: float | None = None

    def now(self) -> float:
        base = time.time() if self._stopped_at is None else self._stopped_at
        return base + self._shift_seconds

    def stop(self) -> None:
        """Time passes by `advance` alone from now on."""
        self._stopped_at = time.time()

    def advance(self, seconds: float) -> None:
        self._shift_seconds += seconds
