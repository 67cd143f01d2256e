"""A bound that several processes keep together, divided among them by what each can use.

Each holds a share under a lease in Postgres, so what is done within it costs nothing, and one look
a second keeps the share. Shares are divided max-min fairly among those who want them.

Whoever cannot renew its share starts nothing new once its lease has ended. What it had started goes
on, as a paid call cannot be taken back: only then can there be more under way than the bound says,
and no more than that worker had.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

import structlog

from runtime.errors import PixelpopError

_log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
WAITING_LOOK_SECONDS: Final = 0.1
"""How often a worker that has none left looks for what others gave back."""
TURN_SECONDS: Final = 5
"""So long the same worker comes first among those that want the same."""
GIVE_BACK_SECONDS: Final = 2.0


class Part(NamedTuple):
    """What a worker says of itself."""

    wanted: int
    holder: UUID
    granted: int = 0


def share(bound: int, mine: Part, others: Sequence[Part], *, turn: int = 0) -> int:
    """How much a worker may do at once beside those others.

    No more than its fair part where all want more than there is: who wants least has it all, the
    rest divide what is left (max-min fairness). And never what others still hold: they give it
    back when they next look.

    Args:
        bound: of all together.
        mine: what this worker says.
        others: what the others say, none of them this one.
        turn: changes now and then, the same for everybody: where there is less than one for each,
            nobody goes without for ever.
    """
    free = max(0, bound - sum(other.granted for other in others))
    parts = sorted([mine, *others], key=lambda one: (one.wanted, _place(one.holder, turn)))
    left = bound
    for place, part in enumerate(parts):
        fair = min(part.wanted, left // (len(parts) - place))
        if part.holder == mine.holder:
            return min(fair, free)
        left -= fair
    raise AssertionError("a worker is one of those that share")


def _place(holder: UUID, turn: int) -> bytes:
    return sha256(holder.bytes + turn.to_bytes(8)).digest()


class Room:
    """The share of one worker: how much may run at once, as a semaphore that others can shrink.

    Args:
        bound: of all workers.
        most: of this worker.
        spare: what it keeps while it is idle, so that the first of a burst start at once.
        look_now: set when somebody has to wait.
    """

    def __init__(self, bound: int, most: int, spare: int, look_now: asyncio.Event) -> None:
        self.bound = bound
        self._most = most
        self._spare = spare
        self._look_now = look_now
        self._share = 0
        self._good_until = 0.0
        self._waited = False
        self._changed = asyncio.Event()
        self.waiting = 0
        self.in_use = 0

    async def acquire(self) -> None:
        """Wait until one more may run."""
        if self._is_full():
            self._waited = True
            self.waiting += 1
            if self.waiting == 1:  # only once: while somebody waits, looks are frequent anyway
                self._look_now.set()
            try:
                while self._is_full():
                    self._changed.clear()
                    await self._changed.wait()
            finally:
                self.waiting -= 1
        self.in_use += 1

    def release(self) -> None:
        """One has ended."""
        self.in_use -= 1
        self._changed.set()

    def _is_full(self) -> bool:
        return self.in_use >= self._share or time.monotonic() >= self._good_until

    def wanted(self, *, alone: bool) -> int:
        """Where nobody else is, whatever there is; else about twice of what is used."""
        if alone or self._waited or self.waiting:
            return self._most
        return min(self._most, max(self._spare, 2 * self.in_use))

    def grant(self, fair: int, good_until: float) -> None:
        """So much may run at once until then, by `time.monotonic`."""
        self._share = fair
        self._good_until = good_until
        self._waited = False
        self._changed.set()


class Keeper(ABC):
    """Looks after the shares of this worker; subclasses say how."""

    def __init__(self) -> None:
        self._look_now = asyncio.Event()

    @abstractmethod
    async def look(self, gone: Sequence[UUID] = ()) -> None:
        """Renew the shares, and make them what is fair now.

        Args:
            gone: processes that are known to have ended; their shares are free at once.

        Raises:
            DatabaseUnavailable: the shares stay as they were until their leases end.
        """

    @abstractmethod
    async def forget(self) -> None:
        """Give back all that this worker holds."""

    @property
    @abstractmethod
    def is_waited_for(self) -> bool:
        """Whether somebody waits for more than there is."""

    @contextlib.asynccontextmanager
    async def kept(self, gone: Sequence[UUID] = ()) -> AsyncIterator[None]:
        """Hold the shares inside, and give them back at the end.

        Args:
            gone: see `look`.
        """
        await self._try_look(gone)
        keeping = asyncio.create_task(self._keep(), name=type(self).__name__)
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            with contextlib.suppress(PixelpopError, TimeoutError):
                async with asyncio.timeout(GIVE_BACK_SECONDS):
                    await self.forget()

    async def _keep(self) -> None:
        while True:
            seconds = WAITING_LOOK_SECONDS if self.is_waited_for else LOOK_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._look_now.wait()
            self._look_now.clear()
            await self._try_look()

    async def _try_look(self, gone: Sequence[UUID] = ()) -> None:
        try:
            await self.look(gone)
        except PixelpopError as error:
            # Claims need the same database, so nothing would start now anyway.
            _log.warning("a share was not renewed", of=type(self).__name__, error=error)
            await asyncio.sleep(WAITING_LOOK_SECONDS)
