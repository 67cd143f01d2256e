"""Which decisions of the log count, as the read models know it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg

from runtime.errors import PixelpopError
from runtime.postgres.pool import Connection, Pool, transaction
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("decisions.sql"))


class ReadModelsMissing(PixelpopError):
    """The read models do not exist, are too old to be asked, or are being replaced."""

    code = "read-models-missing"
    retryable = True


class Decisions:
    """Tells them.

    Args:
        pool: connected as a role that may ask `counted_decision`.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def counts(
        self, account_id: UUID, sequence: int, value_hash: str, partition: int, offset: int
    ) -> bool | None:
        """Whether a decision counts; None: the read models have not seen it yet.

        Raises:
            ReadModelsMissing: nobody can tell; a rebuild makes them.
            DatabaseUnavailable: the database does not answer.
        """
        async with asking(self._pool) as connection:
            row = await connection.fetchrow(
                _QUERIES.counted, account_id, sequence, partition, offset
            )
        if row["value_hash"] is not None:
            return bool(row["value_hash"] == value_hash)
        return False if row["passed"] else None


@contextlib.asynccontextmanager
async def asking(pool: Pool) -> AsyncIterator[Connection]:
    """A connection on which read models are asked.

    Raises:
        ReadModelsMissing: they cannot be.
    """
    try:
        async with transaction(pool) as connection:
            yield connection
    except (
        asyncpg.UndefinedFunctionError,
        asyncpg.UndefinedTableError,
        asyncpg.UndefinedColumnError,
        asyncpg.InvalidSchemaNameError,
    ) as error:
        raise ReadModelsMissing(
            "The read models cannot be asked; if this lasts, run `pixelpop projections rebuild`."
        ) from error
