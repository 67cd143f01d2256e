"""A ceiling on the jobs of all workers together.

A job does not ask: every worker process holds a share of the ceiling (`processors.worker.sharing`).
What is beyond the ceiling waits in the jobs topic, in order; its place in line is what the gateway
shows as `queue_position`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from processors.worker import metrics
from processors.worker.sharing import Keeper, Part, Room, share
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries

__all__ = ["Ceiling", "Part", "share"]

_QUERIES = load_queries(Path(__file__).with_name("ceiling.sql"))

LOCK: Final = 7_265_001
"""The advisory lock under which shares change; ours alone in this database."""
SPARE: Final = 4
"""What an idle worker keeps."""


class Ceiling(Keeper):
    """The share of one worker: how many jobs may run at once.

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
        super().__init__()
        self._pool = pool
        self._holder = holder
        self._lease_seconds = lease_seconds
        self._room = Room(ceiling, jobs_max, SPARE, self._look_now)

    async def acquire(self) -> None:
        """Wait until one more job may run."""
        await self._room.acquire()

    def release(self) -> None:
        """A job has ended."""
        self._room.release()

    @property
    def is_waited_for(self) -> bool:
        """See `Keeper`."""
        return self._room.waiting > 0

    async def look(self, gone: Sequence[UUID] = ()) -> None:
        """See `Keeper`."""
        began = time.monotonic()
        room = self._room
        async with transaction(self._pool) as connection:
            await connection.execute(_QUERIES.lock, LOCK)
            await connection.execute(_QUERIES.forget_ended, list(gone))
            rows = await connection.fetch(_QUERIES.others, self._holder)
            others = [Part(row["wanted"], row["holder"], row["granted"]) for row in rows]
            wanted = room.wanted(alone=not others)
            fair = share(room.bound, Part(wanted, self._holder), others)
            granted = max(fair, room.in_use)
            await connection.execute(
                _QUERIES.keep, self._holder, wanted, granted, self._lease_seconds
            )
        room.grant(fair, began + self._lease_seconds)
        metrics.SHARE.set(fair)

    async def forget(self) -> None:
        """See `Keeper`."""
        async with transaction(self._pool) as connection:
            await connection.execute(_QUERIES.forget_ended, [self._holder])
