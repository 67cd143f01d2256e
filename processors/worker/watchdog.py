"""The watchdog: ends the process when its jobs wait while none is finished, or its loop hangs.

It runs in a thread, so that an event loop that no longer turns cannot keep it from looking, and
it ends the process at once: what hangs would not stop in order. The supervisor starts it again,
and nothing was acked that is not done.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from types import TracebackType
from typing import Any, Self

import faust
import structlog

from processors.worker import metrics
from processors.worker.intake import Intake
from runtime.process import EXIT_CRASH

_log = structlog.get_logger(__name__)

CHECKS_PER_LIMIT = 20
CHECK_SECONDS_MAX = 5.0


class Progress:
    """Decides when a worker is stuck; pure, so that it can be tested without waiting.

    Args:
        stuck_seconds: how long jobs may wait while none is finished.
    """

    def __init__(self, stuck_seconds: float) -> None:
        self._stuck_seconds = stuck_seconds
        self._finished = -1
        self._waiting = 0
        self._still_seconds = 0.0

    def stuck(self, finished: int, waiting: int, passed_seconds: float) -> bool:
        """Take one look.

        Args:
            finished: how many deliveries were ever finished.
            waiting: how many jobs are in our partitions that are not finished.
            passed_seconds: since the look before, as far as this process ran: a machine that was
                suspended must not be taken for one that hangs.
        """
        if finished != self._finished or waiting == 0:
            self._finished, self._waiting, self._still_seconds = finished, waiting, 0.0
            return False
        self._still_seconds += passed_seconds
        grows = waiting > self._waiting
        # A few slow pictures and nobody else waiting is no reason; what never ends at all is.
        limit = self._stuck_seconds if grows else 3 * self._stuck_seconds
        return self._still_seconds >= limit


class Watchdog:
    """Looks after one app and its intake; use it as a context manager around the work."""

    def __init__(self, app: faust.App, intake: Intake[Any], *, stuck_seconds: float) -> None:
        self._app = app
        self._intake = intake
        self._every_seconds = min(stuck_seconds / CHECKS_PER_LIMIT, CHECK_SECONDS_MAX)
        self._progress = Progress(stuck_seconds)
        self._hung_seconds = stuck_seconds
        self._loop = asyncio.get_running_loop()
        self._looked = (0, 0)
        self._beat = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Look no more."""
        self._ended.set()

    def _watch(self) -> None:
        silent_seconds, beat = 0.0, self._beat
        while not self._ended.wait(self._every_seconds):
            # Counted in looks, not by the clock: a machine that is suspended makes none.
            silent_seconds = 0.0 if self._beat != beat else silent_seconds + self._every_seconds
            beat = self._beat
            if silent_seconds >= self._hung_seconds:
                self._end("the event loop hangs", seconds=silent_seconds)
            if self._progress.stuck(*self._looked, self._every_seconds):
                self._end("jobs wait and none is finished", waiting=self._looked[1])
            self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        """In the event loop, since Faust's state belongs to it."""
        self._beat = time.monotonic()
        taken = self._intake.taken()
        waiting = 0
        for tp in self._app.consumer.assignment() if self._app.started else ():
            end = self._app.consumer.highwater(tp)
            last = taken.get((tp.topic, tp.partition))
            if end is not None and last is not None:
                waiting += max(end - 1 - last, 0)
        metrics.LAG.set(waiting + self._intake.queued)
        self._looked = (self._intake.finished, waiting + self._intake.running)

    def _end(self, reason: str, **details: object) -> None:
        _log.critical("the worker is stuck and ends", reason=reason, **details)
        os._exit(EXIT_CRASH)
