"""What a person chose that concerns the files of their pictures."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import asyncpg
import structlog

from events.ids import AccountId
from runtime.errors import PixelpopError
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries

_log = structlog.get_logger(__name__)
_QUERIES = load_queries(Path(__file__).with_name("choices.sql"))


class Choices:
    """Asks the read models; where they do not answer, nothing personal gets into a file.

    Args:
        pool: as the role `pixelpop_worker`.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def prompt_in_files(self, account_id: AccountId) -> bool:
        """Whether the prompt is to stand in the picture's file; never fails."""
        try:
            async with transaction(self._pool) as connection:
                wanted = await connection.fetchval(_QUERIES.prompt_in_files, UUID(account_id))
        except (PixelpopError, asyncpg.PostgresError) as error:  # or there are none yet
            _log.warning("a preference was not read", error=str(error))
            return False
        return bool(wanted)
