"""Claims what is due and sends it, so many at once.

Any number of processes may do so: a claim is one process's until its lease ends. Nothing here
keeps state that matters; whoever dies leaves what becomes due again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Generic, TypeVar

import structlog
from prometheus_client import Gauge

from runtime.errors import PixelpopError

_log = structlog.get_logger(__name__)

PRUNE_SECONDS: Final = 3_600.0

One = TypeVar("One")
"""What is claimed and sent."""


class Sending(ABC, Generic[One]):
    """Sends until it is stopped.

    Args:
        sends: how many at once.
        poll_seconds: how often what is due is looked for when nobody says that something is.
        under_way: shows how many are.
    """

    def __init__(self, *, sends: int, poll_seconds: float, under_way: Gauge) -> None:
        self._room = sends
        self._poll_seconds = poll_seconds
        self._under_way = under_way
        self._wanted = asyncio.Event()
        self._sends: set[asyncio.Task[None]] = set()
        self._stopped = False

    @abstractmethod
    async def claim(self, room: int) -> list[One]:
        """Take what is due, at most so many.

        Raises:
            PixelpopError: nothing was taken, or its leases will end.
        """

    @abstractmethod
    async def prune(self) -> int:
        """Forget some of what is old; 0: there is no more.

        Raises:
            PixelpopError: a later time will do.
        """

    def taken(self, one: One) -> None:
        """It is about to be sent."""

    def ended(self, one: One) -> None:
        """It is no longer being sent."""

    def wake(self) -> None:
        """There is something to send, or room to send it."""
        self._wanted.set()

    async def run(self, send: Callable[[One, float], Awaitable[None]]) -> None:
        """Claim and send until `stop`; prunes now and then.

        Args:
            send: sends what was claimed; its second argument is when that was asked for, by the
                monotonic clock.
        """
        pruned = time.monotonic()
        while not self._stopped:
            self._wanted.clear()
            began = time.monotonic()
            claimed = await self._claim()
            for one in claimed:
                self._start(one, send(one, began))
            if time.monotonic() - pruned > PRUNE_SECONDS:
                pruned = time.monotonic()
                await self._prune()
            if not claimed:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_seconds):
                        await self._wanted.wait()

    async def stop(self) -> None:
        """Claim nothing more, and wait for what is under way: each is bounded."""
        self._stopped = True
        self.wake()
        if self._sends:
            await asyncio.wait(self._sends)

    async def _claim(self) -> list[One]:
        room = self._room - len(self._sends)
        if room <= 0:
            return []
        try:
            return await self.claim(room)
        except PixelpopError as error:
            _log.warning("what is due cannot be claimed", error=error)
            return []

    def _start(self, one: One, sending: Awaitable[None]) -> None:
        task = asyncio.ensure_future(sending)
        self._sends.add(task)
        self.taken(one)
        self._under_way.set(len(self._sends))
        task.add_done_callback(partial(self._ended, one))

    def _ended(self, one: One, task: asyncio.Task[None]) -> None:
        self._sends.discard(task)
        self.ended(one)
        self._under_way.set(len(self._sends))
        if not task.cancelled() and task.exception() is not None:
            # Its lease ends, and it is due again.
            _log.error("what was being sent broke off", exc_info=task.exception())
        self.wake()

    async def _prune(self) -> None:
        try:
            while await self.prune():
                _log.debug("some of what is old was forgotten, and there is more")
        except PixelpopError as error:
            _log.warning("what is old was not forgotten", error=error)
