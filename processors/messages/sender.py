"""Claims what is due and sends it: so many at once, of one person one after the other."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import msgspec
import structlog

from processors.messages import metrics
from processors.messages.delivering import LEASE_SECONDS
from processors.messages.outbox import Claim, Outbox
from runtime.errors import PixelpopError

_log = structlog.get_logger(__name__)

PRUNE_SECONDS: Final = 3_600.0

Deliver = Callable[[Claim, float], Awaitable[None]]
"""Sends one claimed message; the second argument is when its claim was asked for."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How much at once, and how often."""

    sends: int
    poll_seconds: float
    keep_seconds: float
    """How long it is remembered what was told."""


class Sender:
    """Sends until it is stopped.

    Args:
        outbox: tells what is due.
        pace: the bounds.
    """

    def __init__(self, outbox: Outbox, pace: Pace) -> None:
        self._outbox = outbox
        self._pace = pace
        self._wanted = asyncio.Event()
        self._sends: set[asyncio.Task[None]] = set()
        self._stopped = False

    def wake(self) -> None:
        """There is something to send, or room to send it."""
        self._wanted.set()

    async def run(self, deliver: Deliver) -> None:
        """Claim and send until `stop`; prunes now and then."""
        pruned = time.monotonic()
        while not self._stopped:
            self._wanted.clear()
            began = time.monotonic()
            claimed = await self._claim()
            for claim in claimed:
                self._start(deliver, claim, began)
            if time.monotonic() - pruned > PRUNE_SECONDS:
                pruned = time.monotonic()
                await self._prune()
            if not claimed:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pace.poll_seconds):
                        await self._wanted.wait()

    async def stop(self) -> None:
        """Claim nothing more, and wait for what is under way: each message is bounded."""
        self._stopped = True
        self.wake()
        if self._sends:
            await asyncio.wait(self._sends)

    async def _claim(self) -> list[Claim]:
        room = self._pace.sends - len(self._sends)
        if room <= 0:
            return []
        try:
            return await self._outbox.claim(room, LEASE_SECONDS)
        except PixelpopError as error:
            _log.warning("what is due cannot be claimed", error=error)
            return []

    def _start(self, deliver: Deliver, claim: Claim, began: float) -> None:
        sending = deliver(claim, began)
        task = asyncio.create_task(_awaited(sending), name=f"tell/{claim.message_id}")
        self._sends.add(task)
        metrics.UNDER_WAY.set(len(self._sends))
        task.add_done_callback(partial(self._ended, claim))

    def _ended(self, claim: Claim, task: asyncio.Task[None]) -> None:
        self._sends.discard(task)
        metrics.UNDER_WAY.set(len(self._sends))
        if not task.cancelled() and task.exception() is not None:
            # Its lease ends, and it is claimed again.
            _log.error(
                "a message broke off",
                message_id=str(claim.message_id),
                exc_info=task.exception(),
            )
        self.wake()

    async def _prune(self) -> None:
        try:
            while await self._outbox.prune(self._pace.keep_seconds):
                _log.debug("old messages were forgotten, and there are more")
        except PixelpopError as error:
            _log.warning("old messages were not forgotten", error=error)


async def _awaited(sending: Awaitable[None]) -> None:
    await sending
