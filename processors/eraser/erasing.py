"""The steps of an erasure. Each may be done again, in any order, after a crash anywhere.

`AccountErased` in the log is what orders it. Destroying the identity ends the account; the table
`erasures` then remembers which steps are still to come.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from events import ids
from processors.eraser import metrics
from runtime.objects import ObjectStore
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries

_log = structlog.get_logger(__name__)

QUERIES = load_queries(Path(__file__).with_name("eraser.sql"))
OBJECT_PREFIXES: Final = ("generations", "incoming", "uploads", "exports")
"""Whatever belongs to an account is stored below `<one of these>/<account id>/`."""
SWEEPS_MAX: Final = 100
"""Accounts swept in one turn."""
RETURNED_SECONDS: Final = 600.0
"""An identity that is there so long after its erasure was not left: it came back."""


class Eraser:
    """Takes the steps.

    Args:
        pool: as the role `pixelpop_eraser`.
        objects: where the account's objects are.
        sweep_again_seconds: after how long objects and rows are swept again: longer than any job.
    """

    def __init__(
        self,
        pool: Pool,
        objects: ObjectStore,
        *,
        sweep_again_seconds: float,
    ) -> None:
        self._pool = pool
        self._objects = objects
        self._sweep_again_seconds = sweep_again_seconds

    async def destroy(self, account_id: UUID) -> bool:
        """Destroy the account's key and its link to a person; False: they were gone."""
        async with transaction(self._pool) as connection:
            existed: bool = await connection.fetchval(QUERIES.destroy, account_id)
        if existed:
            metrics.ERASED.inc()
            _log.info("identity destroyed", account_id=str(account_id))
        return existed

    async def sweep(self) -> int:
        """Delete objects and rows of accounts for which it is time; returns how many accounts."""
        async with transaction(self._pool) as connection:
            due = await connection.fetch(QUERIES.due, self._sweep_again_seconds, SWEEPS_MAX)
        for row in due:
            await self._sweep_one(row["account_id"], first=row["first"])
        return len(due)

    async def _sweep_one(self, account_id: UUID, *, first: bool) -> None:
        deleted = 0
        for prefix in OBJECT_PREFIXES:
            deleted += await self._objects.delete_prefix(f"{prefix}/{account_id}/")
        async with transaction(self._pool) as connection:
            await connection.execute(QUERIES.delete_claims, account_id, not first)
            await connection.execute(QUERIES.swept if first else QUERIES.done, account_id)
        metrics.OBJECTS.inc(deleted)
        metrics.SWEPT.labels("first" if first else "last").inc()
        _log.info("account swept", account_id=str(account_id), objects=deleted, last=not first)

    async def count_open(self) -> int:
        """How many erasures are not finished."""
        async with transaction(self._pool) as connection:
            count: int = await connection.fetchval(QUERIES.count_open)
        metrics.OPEN.set(count)
        return count

    async def destroy_returned(self) -> int:
        """Destroy what an old backup brought back; returns how many identities that were."""
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(QUERIES.returned, RETURNED_SECONDS, SWEEPS_MAX)
        for row in rows:
            if await self.destroy(row["account_id"]):
                report_returned(row["account_id"])
        return len(rows)


def report_returned(account_id: UUID) -> None:
    """Say that an identity was destroyed again."""
    metrics.RETURNED.inc()
    _log.error(
        "the identity of an erased account was there again and is destroyed: was an old backup of "
        "PostgreSQL restored?",
        account_id=str(account_id),
    )


def debt_id(account_id: UUID, written_off: int) -> str:
    """The id of what an erased account owed beyond what was noted before."""
    return ids.derive("debt", str(account_id), str(written_off))
