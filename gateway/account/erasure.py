"""Ends an account at once: its key and its link to a person are destroyed in the database.

The order is in the log by then, so what fails here is done by the eraser: this only spares the
account the moments in which it would still open.
"""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import structlog

from runtime.postgres.errors import DatabaseUnavailable
from runtime.postgres.pool import Pool, as_account
from runtime.queries import load_queries

_log = structlog.get_logger(__name__)
_QUERIES = load_queries(Path(__file__).with_name("erasure.sql"))


class Erasure:
    """Destroys identities of accounts that ask for it.

    Args:
        pool: as the role `pixelpop_gateway`, which can destroy only whom it works for.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def destroy(self, account_id: UUID) -> None:
        """Destroy one identity; twice does no harm."""
        try:
            async with as_account(self._pool, account_id) as connection:
                await connection.execute(_QUERIES.destroy_own)
        except DatabaseUnavailable as error:
            _log.warning("the eraser will destroy the key", account_id=account_id, error=str(error))
