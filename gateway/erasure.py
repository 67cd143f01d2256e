"""Ends an account at once: its key and its link to a person are destroyed in the database.

The order is in the log by then, so what fails here is done by the eraser: this only spares the
account the moments in which it would still open.
"""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import structlog

from runtime.crypto.master import MasterKeys, identity_mark
from runtime.postgres.errors import DatabaseUnavailable
from runtime.postgres.pool import Pool, as_account
from runtime.queries import load_queries

_log = structlog.get_logger(__name__)
_QUERIES = load_queries(Path(__file__).with_name("erasure.sql"))


class Erasure:
    """Destroys identities of accounts that ask for it.

    Args:
        pool: as the role `pixelpop_gateway`, which can destroy only whom it works for.
        masters: make the marks by which the person's debts and bans are found again.
    """

    def __init__(self, pool: Pool, masters: MasterKeys) -> None:
        self._pool = pool
        self._masters = masters

    async def destroy(self, account_id: UUID) -> None:
        """Destroy one identity; twice does no harm."""
        try:
            async with as_account(self._pool, account_id) as connection:
                rows = await connection.fetch(_QUERIES.outside_identities, account_id)
                marks = [
                    identity_mark(self._masters, row["provider"], row["subject_id"]) for row in rows
                ]
                await connection.execute(_QUERIES.destroy_own, marks)
        except DatabaseUnavailable as error:
            _log.warning("the eraser will destroy the key", account_id=account_id, error=str(error))
