"""Was this generation asked for before? One question for all requests of a moment.

Asked before every append, because the decider remembers keys for a day and the tail for minutes
only, but a key must mean the same request for ever.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("replay.sql"))

BATCH_MAX: Final = 500
BATCHES_IN_FLIGHT_MAX: Final = 2


class Earlier(NamedTuple):
    """What the read models know of an earlier request."""

    status: str
    body_mac: str | None


class KnownGenerations:
    """Gathers questions while earlier ones are being answered.

    Args:
        pool: where the read models are.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._asked: list[tuple[UUID, UUID, asyncio.Future[Earlier | None]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def find(self, account_id: UUID, generation_id: UUID) -> Earlier | None:
        """What is known of an account's generation.

        Raises:
            DatabaseUnavailable: it cannot be found out now.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Earlier | None] = loop.create_future()
        self._asked.append((account_id, generation_id, future))
        if len(self._tasks) < BATCHES_IN_FLIGHT_MAX:
            task = loop.create_task(self._answer(), name="known generations")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _answer(self) -> None:
        await asyncio.sleep(0)  # whoever else asks in this moment comes along
        while self._asked:
            batch, self._asked = self._asked[:BATCH_MAX], self._asked[BATCH_MAX:]
            try:
                found = await self._ask(batch)
            except Exception as error:  # noqa: BLE001  whoever asked gets it
                for _, _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for account_id, generation_id, future in batch:
                if not future.done():
                    future.set_result(found.get((account_id, generation_id)))

    async def _ask(
        self, batch: list[tuple[UUID, UUID, asyncio.Future[Earlier | None]]]
    ) -> dict[tuple[UUID, UUID], Earlier]:
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(
                _QUERIES.get_known, [one[0] for one in batch], [one[1] for one in batch]
            )
        return {
            (row["account_id"], row["generation_id"]): Earlier(row["status"], row["body_mac"])
            for row in rows
        }
