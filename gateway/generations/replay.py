"""Was this generation asked for before? Asked before every append.

The decider remembers request keys for a day and the tail for minutes only, but a key must mean the
same request for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from runtime.postgres.batching import Batcher
from runtime.postgres.pool import Connection, Pool
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("replay.sql"))


class Earlier(NamedTuple):
    """What the read models know of an earlier request."""

    status: str
    body_mac: str | None


class KnownGenerations:
    """Asks the read models.

    Args:
        pool: where they are.
    """

    def __init__(self, pool: Pool) -> None:
        self._batcher: Batcher[tuple[UUID, UUID], Earlier] = Batcher(pool, _ask)

    async def find(self, account_id: UUID, generation_id: UUID) -> Earlier | None:
        """What is known of an account's generation.

        Raises:
            DatabaseUnavailable: it cannot be found out now.
        """
        return await self._batcher.find((account_id, generation_id))


async def _ask(
    connection: Connection, batch: Sequence[tuple[UUID, UUID]]
) -> Mapping[tuple[UUID, UUID], Earlier]:
    rows = await connection.fetch(
        _QUERIES.get_known, [one[0] for one in batch], [one[1] for one in batch]
    )
    return {
        (row["account_id"], row["generation_id"]): Earlier(row["status"], row["body_mac"])
        for row in rows
    }
