"""The accounts' wrapped keys, for many accounts at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from runtime.crypto.keys import Loader
from runtime.postgres.batching import Batcher
from runtime.postgres.pool import Connection, Pool
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("wrapped_keys.sql"))


def batched_loader(pool: Pool) -> Loader:
    """A loader for `AccountKeys` that asks for all accounts of a moment in one question."""
    return Batcher(pool, _ask).find


async def _ask(connection: Connection, accounts: Sequence[UUID]) -> Mapping[UUID, bytes]:
    rows = await connection.fetch(_QUERIES.get_wrapped_keys, list(accounts))
    return {row["account_id"]: row["wrapped_key"] for row in rows}
