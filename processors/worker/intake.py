"""From deliveries to acks: bounded windows, bounded work in flight, work that runs is joined.

What is taken waits for its turn inside the windows, in an order that is fair to all accounts; it
is acked in the order of offsets all the same. What could only wait for somebody who does a few
things at once waits in a lane, so that it takes no place from what could be done.

It knows nothing of Faust or of what the work is, so that its rules can be tested by themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

import structlog

from processors.worker import metrics
from processors.worker.fairness import Share
from processors.worker.places import Places, Room
from processors.worker.window import Window
from processors.worker.work import Delivery
from runtime.errors import PixelpopError

_log = structlog.get_logger(__name__)


class Identified(Protocol):
    """What a delivery asks for, as far as it matters here."""

    @property
    def identity(self) -> str:
        """Equal for two deliveries of the same work, so that the second joins the first."""
        ...


IN_ORDER = Share()
"""Of work that is performed in the order of its coming."""
Wanted = TypeVar("Wanted", bound=Identified)

CheckGap = Callable[[Delivery, int | None], Awaitable[None]]
"""Checks that nothing was skipped between the last offset taken (None: none yet) and this one."""


class RecordsSkipped(PixelpopError):
    """The worker was handed a later record than the one it must take next; a restart heals it."""

    code = "records-skipped"
    retryable = True


class Intake(Generic[Wanted]):
    """Takes deliveries in order, performs them at once, acks them in order.

    Args:
        read: says what a delivery asks for; never raises.
        perform: does it; returns when its outcome is durable. Raising means: stop without the ack.
        check_gap: called before a delivery that does not follow the last one.
        jobs_max: how much work runs at once.
        window_max: how many offsets of one partition are held.
        room: bounds the work instead of `jobs_max`, where processes share a bound.
        share_of: whose work it is, where it is to be shared fairly.
        lanes: how much of a lane's work is begun at once.
        lane_of: which lane work is in; one that is not in `lanes` has no bound of its own.
    """

    def __init__(
        self,
        read: Callable[[Delivery], Wanted],
        perform: Callable[[Wanted, Delivery], Coroutine[Any, Any, None]],
        check_gap: CheckGap,
        *,
        jobs_max: int,
        window_max: int,
        room: Room | None = None,
        share_of: Callable[[Wanted], Share] = lambda _: IN_ORDER,
        lanes: Mapping[str, int] = MappingProxyType({}),
        lane_of: Callable[[Wanted], str] = lambda _: "",
    ) -> None:
        self._read = read
        self._perform = perform
        self._check_gap = check_gap
        self._places = Places(room or asyncio.Semaphore(jobs_max))
        self._lanes = {name: Places(asyncio.Semaphore(most)) for name, most in lanes.items()}
        self._lane_of = lane_of
        self._window_max = window_max
        self._windows: dict[tuple[str, int], tuple[int, Window]] = {}
        self._share_of = share_of
        self._running: dict[str, asyncio.Task[None]] = {}
        self._asked_by: dict[str, list[Window]] = {}
        self._begun: set[str] = set()
        self._closed = False
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Gets the exception after which this process must stop without the ack."""
        self.finished = 0
        """How many deliveries were finished; the watchdog looks at it."""

    @property
    def running(self) -> int:
        """How much work is under way, or waits for its turn."""
        return len(self._running)

    @property
    def queued(self) -> int:
        """How much of that waits for its turn."""
        return len(self._running) - len(self._begun)

    def taken(self) -> dict[tuple[str, int], int]:
        """The highest offset taken of every partition that is assigned now and had one."""
        return {
            partition: window.last
            for partition, (_, window) in self._windows.items()
            if window.last is not None
        }

    async def take(self, delivery: Delivery) -> None:
        """Let the work of a delivery wait for its turn, or join it; waits for the window."""
        window = self._window(delivery)
        if window is None:
            return
        try:
            await window.room()
            if window.last is None or delivery.offset > window.last + 1:
                await self._check_gap(delivery, window.last)
            work = self._read(delivery)
            if self._refuses(window) or not window.add(delivery.offset, delivery.ack):
                return
            if work.identity not in self._running:
                self._start(work, delivery)
            self._asked_by[work.identity].append(window)
        except Exception as error:  # noqa: BLE001  handed on: see failed
            self._fail(error)
            return
        task = self._running.get(work.identity)
        assert task is not None
        task.add_done_callback(lambda done: self._finish(done, window, delivery.offset))

    def revoke(self, partitions: set[tuple[str, int]]) -> None:
        """These partitions are no longer ours, or will be ours anew; nothing of them is acked."""
        for partition in partitions:
            known = self._windows.pop(partition, None)
            if known is not None:
                known[1].revoke()

    async def drain(self, timeout_seconds: float) -> bool:
        """Take nothing more and wait for what runs; False if some of it did not end in time."""
        self._closed = True
        tasks = set()
        for identity, task in self._running.items():
            if identity in self._begun:
                tasks.add(task)
            else:
                task.cancel()
        if not tasks:
            return True
        _, pending = await asyncio.wait(tasks, timeout=timeout_seconds)
        return not pending

    async def abandon(self) -> None:
        """Cancel what still runs; it is not acked, so it will be delivered again."""
        self._closed = True
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        for places in (self._places, *self._lanes.values()):
            tasks += places.stop()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _window(self, delivery: Delivery) -> Window | None:
        partition = (delivery.topic, delivery.partition)
        assignment, window = self._windows.get(partition, (-1, None))
        if self._closed or delivery.assignment < assignment:
            return None  # of an assignment that is over
        if window is None or delivery.assignment > assignment:
            if window is not None:
                window.revoke()
            window = Window(self._window_max)
            self._windows[partition] = (delivery.assignment, window)
        return window

    def _refuses(self, window: Window) -> bool:
        """Whether this changed while waiting; what is not taken will be delivered again."""
        return self._closed or window.revoked

    def _start(self, work: Wanted, delivery: Delivery) -> None:
        task = asyncio.create_task(self._in_turn(work, delivery), name=work.identity)
        self._running[work.identity] = task
        self._asked_by[work.identity] = []
        task.add_done_callback(lambda done: self._ended(work.identity, done))

    async def _in_turn(self, work: Wanted, delivery: Delivery) -> None:
        share, lane = self._share_of(work), self._lanes.get(self._lane_of(work))
        with contextlib.ExitStack() as held:
            for places in (self._places,) if lane is None else (lane, self._places):
                await places.take(share)
                held.callback(places.release)
            asked_by = self._asked_by[work.identity]
            if self._closed or all(window.revoked for window in asked_by):
                self._forget(work.identity)  # at once: nobody may join what will not be done
                raise asyncio.CancelledError
            self._begun.add(work.identity)
            metrics.RUNNING.set(len(self._begun))
            await self._perform(work, delivery)

    def _ended(self, identity: str, task: asyncio.Task[None]) -> None:
        if self._running.get(identity) is task:
            self._forget(identity)

    def _forget(self, identity: str) -> None:
        del self._running[identity]
        del self._asked_by[identity]
        self._begun.discard(identity)
        metrics.RUNNING.set(len(self._begun))

    def _finish(self, task: asyncio.Task[None], window: Window, offset: int) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._fail(error)
            return
        try:
            window.finish(offset)
        except Exception as failure:  # noqa: BLE001  handed on: see failed
            self._fail(failure)
            return
        self.finished += 1

    def _fail(self, error: BaseException) -> None:
        _log.error("a delivery cannot be finished, the worker stops", exc_info=error)
        self._closed = True
        if not self.failed.done():
            self.failed.set_exception(error)
            self.failed.exception()  # it is told: who waits no more owes no answer
