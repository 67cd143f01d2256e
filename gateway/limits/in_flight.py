"""How many requests of one account, and of one address, are worked on at once."""

from __future__ import annotations

from typing import Final

from gateway.operations import metrics
from gateway.web.errors import Problem

WAIT_SECONDS: Final = 1
DETAIL: Final = "Too many requests of yours are under way at once. Let one of them end first."


class InFlight:
    """Counts what is under way; what is at rest takes no memory.

    Args:
        name: what it counts, as clients are told.
        at_once_max: how many of one key.
        detail: what a person is told where there are too many.
    """

    def __init__(self, name: str, at_once_max: int, detail: str = DETAIL) -> None:
        self._name = name
        self._at_once_max = at_once_max
        self._detail = detail
        self._counts: dict[str, int] = {}

    def enter(self, key: str) -> None:
        """Begin one; each that was begun must `leave`.

        Raises:
            Problem: there are too many; none was begun.
        """
        count = self._counts.get(key, 0)
        if count >= self._at_once_max:
            metrics.LIMITED.labels(self._name).inc()
            raise self._refusal()
        self._counts[key] = count + 1

    def leave(self, key: str) -> None:
        """End one."""
        count = self._counts[key] - 1
        if count:
            self._counts[key] = count
        else:
            del self._counts[key]

    def _refusal(self) -> Problem:
        policy = f'"{self._name}";q={self._at_once_max};qu="concurrent-requests"'
        return Problem(
            "too-many-requests",
            self._detail,
            headers=[
                (b"ratelimit-policy", policy.encode()),
                (b"ratelimit", f'"{self._name}";r=0;t={WAIT_SECONDS}'.encode()),
            ],
            retry_after=WAIT_SECONDS,
        )
