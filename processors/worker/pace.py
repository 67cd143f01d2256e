"""At most so many messages in a second about one job; of what comes too soon, the newest waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

A_SECOND_MAX: Final = 2
SECONDS: Final = 1.0


class Pace:
    """Lets messages about one job through.

    Args:
        send: takes what is let through.
    """

    def __init__(self, send: Callable[[object], None]) -> None:
        self._send = send
        self._sent: deque[float] = deque(maxlen=A_SECOND_MAX)
        self._waiting: dict[type, object] = {}
        self._timer: asyncio.TimerHandle | None = None

    def offer(self, message: object) -> None:
        """Send it now or soon; one of its kind that still waits is given up for it."""
        if self._timer is None and self._wait_seconds() <= 0:
            self._let_through(message)
            return
        self._waiting.pop(type(message), None)
        self._waiting[type(message)] = message
        self._later()

    def end(self) -> None:
        """The job is over: nobody wants to know any more how far it was."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _let_through(self, message: object) -> None:
        self._sent.append(asyncio.get_running_loop().time())
        self._send(message)

    def _wait_seconds(self) -> float:
        if len(self._sent) < A_SECOND_MAX:
            return 0.0
        return self._sent[0] + SECONDS - asyncio.get_running_loop().time()

    def _later(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, self._wait_seconds()), self._next)

    def _next(self) -> None:
        self._timer = None
        if not self._waiting:
            return
        if self._wait_seconds() <= 0:  # a timer may be early by its clock's grain
            self._let_through(self._waiting.pop(next(iter(self._waiting))))
        if self._waiting:
            self._later()
