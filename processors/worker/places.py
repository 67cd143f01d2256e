"""Waiting for one of a bounded number of places, in an order that is fair to all accounts."""

from __future__ import annotations

import asyncio
from typing import Protocol

from processors.worker.fairness import FairQueue, Share


class Room(Protocol):
    """What bounds the work at once: `asyncio.Semaphore`, or what several processes share."""

    async def acquire(self) -> object:
        """Wait until one more may run."""
        ...

    def release(self) -> None:
        """One has ended."""
        ...


class Places:
    """Gives places one after the other to whoever is next.

    Args:
        room: how many there are.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._queue: FairQueue[asyncio.Future[None]] = FairQueue()
        self._giving: asyncio.Task[None] | None = None

    async def take(self, share: Share) -> None:
        """Wait for a place; whoever got it owes a `release`."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.push(share.tier, share.account, turn, share.cost)
        if self._giving is None:
            self._giving = asyncio.create_task(self._give(), name="turns")
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._room.release()
            raise

    def release(self) -> None:
        """A place is free again."""
        self._room.release()

    def stop(self) -> list[asyncio.Task[None]]:
        """Give no more; returns what is still to be waited for."""
        if self._giving is None:
            return []
        self._giving.cancel()
        return [self._giving]

    async def _give(self) -> None:
        """Whenever there is a place; ends when nobody waits."""
        try:
            while len(self._queue):
                await self._room.acquire()
                turn = self._queue.pop()
                if turn.cancelled():
                    self._room.release()
                else:
                    turn.set_result(None)
        finally:
            self._giving = None
