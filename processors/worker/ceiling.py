"""A ceiling on the jobs of all workers together, divided among them by what each can use.

A job does not ask: every worker process holds a share of the ceiling under a lease in Postgres, so
the usual job costs nothing, and one statement a second keeps the share. Shares are divided
max-min fairly among those who want them. What is beyond the ceiling waits in the jobs topic, in
order; its place in line is what the gateway shows as `queue_position`.

Whoever cannot renew its share starts nothing new once its lease has ended. What it had started goes
on, as a paid call cannot be taken back: only then can there be more jobs under way than the ceiling
says, and no more than that worker had.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import structlog

from processors.worker import metrics
from runtime.errors import PixelpopError
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries

_log = structlog.get_logger(__name__)
_QUERIES = load_queries(Path(__file__).with_name("ceiling.sql"))

LOCK: Final = 7_265_001
"""The advisory lock under which shares change; ours alone in this database."""
LOOK_SECONDS: Final = 1.0
WAITING_LOOK_SECONDS: Final = 0.1
"""How often a worker that has none left looks for what others gave back."""
SPARE: Final = 4
"""What an idle worker keeps, so that the first jobs of a burst start at once."""
GIVE_BACK_SECONDS: Final = 2.0


class Part(NamedTuple):
    """What a worker says of itself; parts are ordered by it, the same for everybody who looks."""

    wanted: int
    holder: UUID
    granted: int = 0


def share(ceiling: int, mine: Part, others: Sequence[Part]) -> int:
    """How many jobs a worker may perform beside those others.

    No more than its fair part where all want more than there is: who wants least has it all, the
    rest divide what is left (max-min fairness). And never what others still hold: they give it
    back when they next look.
    """
    free = max(0, ceiling - sum(other.granted for other in others))
    parts = sorted([mine, *others])
    left = ceiling
    for place, part in enumerate(parts):
        fair = min(part.wanted, left // (len(parts) - place))
        if part.holder == mine.holder:
            return min(fair, free)
        left -= fair
    raise AssertionError("a worker is one of those that share")


class Ceiling:
    """The share of one worker: how many may run at once, as a semaphore that others can shrink.

    Args:
        pool: connected as the worker.
        holder: this process, by an id that no other ever has.
        ceiling: of all workers.
        jobs_max: of this worker.
        lease_seconds: how long a share outlives a worker that does not renew it.
    """

    def __init__(
        self, pool: Pool, *, holder: UUID, ceiling: int, jobs_max: int, lease_seconds: float
    ) -> None:
        self._pool = pool
        self._holder = holder
        self._ceiling = ceiling
        self._jobs_max = jobs_max
        self._lease_seconds = lease_seconds
        self._share = 0
        self._good_until = 0.0
        self._waiting = 0
        self._waited = False
        self._room = asyncio.Event()
        self._look_now = asyncio.Event()
        self.in_use = 0

    async def acquire(self) -> None:
        """Wait until one more job may run."""
        if self._is_full():
            self._waited = True
            self._waiting += 1
            try:
                while self._is_full():
                    self._look_now.set()
                    self._room.clear()
                    await self._room.wait()
            finally:
                self._waiting -= 1
        self.in_use += 1

    def release(self) -> None:
        """A job has ended."""
        self.in_use -= 1
        self._room.set()

    def _is_full(self) -> bool:
        return self.in_use >= self._share or time.monotonic() >= self._good_until

    @contextlib.asynccontextmanager
    async def kept(self, gone: Sequence[UUID] = ()) -> AsyncIterator[None]:
        """Hold a share inside, and give it back at the end.

        Args:
            gone: processes that are known to have ended; their shares are free at once.
        """
        await self._try_look(gone)
        keeping = asyncio.create_task(self._keep(), name="share of the ceiling")
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            with contextlib.suppress(PixelpopError, TimeoutError):
                async with asyncio.timeout(GIVE_BACK_SECONDS), transaction(self._pool) as one:
                    await one.execute(_QUERIES.forget_ended, [self._holder])

    async def _keep(self) -> None:
        while True:
            seconds = WAITING_LOOK_SECONDS if self._waiting else LOOK_SECONDS
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
            _log.warning("the share of the ceiling was not renewed", error=error)
            await asyncio.sleep(WAITING_LOOK_SECONDS)

    async def look(self, gone: Sequence[UUID] = ()) -> None:
        """Renew the share, and make it what is fair now.

        Raises:
            DatabaseUnavailable: the share stays as it was until its lease ends.
        """
        began = time.monotonic()
        async with transaction(self._pool) as connection:
            await connection.execute(_QUERIES.lock, LOCK)
            await connection.execute(_QUERIES.forget_ended, list(gone))
            rows = await connection.fetch(_QUERIES.others, self._holder)
            others = [Part(row["wanted"], row["holder"], row["granted"]) for row in rows]
            wanted = self._wanted(alone=not others)
            fair = share(self._ceiling, Part(wanted, self._holder), others)
            granted = max(fair, self.in_use)
            await connection.execute(
                _QUERIES.keep, self._holder, wanted, granted, self._lease_seconds
            )
        self._share = fair
        self._good_until = began + self._lease_seconds
        self._waited = False
        metrics.SHARE.set(fair)
        self._room.set()

    def _wanted(self, *, alone: bool) -> int:
        """Where nobody else is, whatever there is; else about twice of what is used."""
        if alone or self._waited or self._waiting:
            return self._jobs_max
        return min(self._jobs_max, max(SPARE, 2 * self.in_use))
