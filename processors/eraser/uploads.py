"""Removing photos: those that nobody used (any more), and what came in after it was looked at."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from uuid import UUID

from processors.eraser import metrics
from processors.eraser.erasing import QUERIES
from runtime.objects import ObjectStore
from runtime.postgres.pool import Pool, transaction

SWEEP_MAX: Final = 100
"""Photos removed in one turn."""


class Uploads:
    """Sweeps; each step may be done again after a crash anywhere.

    Args:
        pool: as the role `pixelpop_eraser`.
        objects: where the photos are.
    """

    def __init__(self, pool: Pool, objects: ObjectStore) -> None:
        self._pool = pool
        self._objects = objects

    async def sweep(self) -> int:
        """Remove what is due, up to so many; returns how many photos that were.

        Raises:
            PixelpopError: a server is away; what is not removed yet is found again.
        """
        async with transaction(self._pool) as connection:
            ended = await connection.fetch(QUERIES.expire_uploads, SWEEP_MAX)
        if ended:
            await asyncio.gather(*[self._remove(row) for row in ended])
            async with transaction(self._pool) as connection:
                await connection.execute(QUERIES.delete_uploads, _ids(ended))
            metrics.UPLOADS.inc(len(ended))
        async with transaction(self._pool) as connection:
            late = await connection.fetch(QUERIES.unswept_uploads, SWEEP_MAX)
        if late:
            await asyncio.gather(*[self._objects.delete(_incoming(row)) for row in late])
            async with transaction(self._pool) as connection:
                await connection.execute(QUERIES.swept_uploads, _ids(late))
        return len(ended)

    async def _remove(self, row: Any) -> None:
        await self._objects.delete(_incoming(row))
        await self._objects.delete_prefix(f"uploads/{row['account_id']}/{row['upload_id']}.")


def _incoming(row: Any) -> str:
    return f"incoming/{row['account_id']}/{row['upload_id']}"


def _ids(rows: list[Any]) -> list[UUID]:
    return [row["upload_id"] for row in rows]
