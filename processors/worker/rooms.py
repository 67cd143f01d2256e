"""How many calls each provider's account allows at once, divided among the workers.

A worker names here all that it draws with, so that others can know who draws with what. It shares
those bounds that belong to an account or a server that all workers use.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from commands.supplies import Supply
from processors.worker import metrics
from processors.worker.sharing import TURN_SECONDS, Keeper, Part, Room, share
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("rooms.sql"))

LOCK: Final = 7_265_002
"""The advisory lock under which shares change; ours alone in this database."""
SPARE: Final = 0
"""What an idle worker keeps: an account may allow fewer calls than there are workers."""


class Rooms(Keeper):
    """The shares of one worker.

    Args:
        pool: connected as the worker.
        holder: this process, by an id that no other ever has.
        supplies: all that it draws with.
        jobs_max: how many jobs this worker performs at once.
        lease_seconds: how long a share outlives a worker that does not renew it.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        holder: UUID,
        supplies: Sequence[Supply],
        jobs_max: int,
        lease_seconds: float,
    ) -> None:
        super().__init__()
        self._pool = pool
        self._holder = holder
        self._lease_seconds = lease_seconds
        self._names = [one.provider for one in supplies]
        self._rooms = {
            one.provider: Room(one.concurrency, jobs_max, SPARE, self._look_now)
            for one in supplies
            if one.shared
        }

    @property
    def all(self) -> Mapping[str, Room]:
        """Those that are shared, by provider."""
        return self._rooms

    @property
    def is_waited_for(self) -> bool:
        """See `Keeper`."""
        return any(room.waiting for room in self._rooms.values())

    async def look(self, gone: Sequence[UUID] = ()) -> None:
        """See `Keeper`."""
        began = time.monotonic()
        async with transaction(self._pool) as connection:
            locked = await connection.fetchrow(_QUERIES.lock, LOCK, TURN_SECONDS)
            await connection.execute(_QUERIES.forget_ended, list(gone))
            rows = await connection.fetch(_QUERIES.others, self._holder)
            fair: dict[str, int] = {}
            kept: dict[str, tuple[int, int]] = dict.fromkeys(self._names, (0, 0))
            for name, room in self._rooms.items():
                others = [
                    Part(row["wanted"], row["holder"], row["granted"])
                    for row in rows
                    if row["provider"] == name
                ]
                wanted = room.wanted(alone=not others)
                part = Part(wanted, self._holder)
                fair[name] = share(room.bound, part, others, turn=locked["turn"])
                kept[name] = wanted, max(fair[name], room.in_use)
            await connection.execute(
                _QUERIES.keep,
                self._holder,
                list(kept),
                [wanted for wanted, _ in kept.values()],
                [granted for _, granted in kept.values()],
                self._lease_seconds,
            )
        for name, room in self._rooms.items():
            room.grant(fair[name], began + self._lease_seconds)
            metrics.PROVIDER_SHARE.labels(name).set(fair[name])

    async def forget(self) -> None:
        """See `Keeper`."""
        async with transaction(self._pool) as connection:
            await connection.execute(_QUERIES.forget_ended, [self._holder])
