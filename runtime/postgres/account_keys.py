"""Where the accounts' wrapped keys come from: the table `identities`."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from runtime.crypto.keys import Loader
from runtime.postgres.pool import Pool, as_account
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("account_keys.sql"))


def wrapped_key_loader(pool: Pool) -> Loader:
    """A loader for `AccountKeys`, for the roles of worker and webhooks.

    It asks as the account itself, so row-level security lets through that one key and no other.
    """

    async def load(account_id: UUID) -> bytes | None:
        async with as_account(pool, account_id) as connection:
            wrapped: bytes | None = await connection.fetchval(_QUERIES.get_wrapped_key, account_id)
            return wrapped

    return load
