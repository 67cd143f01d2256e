"""Wrapping every account's key anew by the current master key, while everything runs.

Safe to repeat and to interrupt: a key is replaced only while it is what was read, so an erasure, a
second rotation at the same time and a crash each leave a row that opens, or none.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
import structlog

from runtime.crypto.keys import unwrap, wrap
from runtime.crypto.master import KeyNotOpened, MasterKeys
from runtime.errors import StartError
from runtime.postgres.errors import PASSING, DatabaseUnavailable, describe
from runtime.queries import load_queries

BATCH: Final = 500
"""Keys that one transaction replaces: it locks so many rows, for some milliseconds."""

_CONNECT_TIMEOUT_SECONDS = 15.0
_COMMAND_TIMEOUT_SECONDS = 60.0
_FIRST = UUID(int=0)
_QUERIES = load_queries(Path(__file__).with_name("key_rotation.sql"))

_log = structlog.get_logger(__name__)


class Rewrapped(NamedTuple):
    """What one run over all accounts did."""

    rewrapped: int
    """Keys that the current master key wraps now."""
    passed_by: int
    """Keys that somebody else changed or destroyed at the same moment."""
    not_opened: int
    """Keys that no master key at hand opens: damaged, or by one that is missing."""


async def count_by_master(owner_url: str) -> dict[str, int]:
    """Master key id → how many accounts' keys it wraps.

    Raises:
        StartError, DatabaseUnavailable: as `rewrap`.
    """
    async with _connected(owner_url) as connection, connection.transaction():
        await connection.execute(_QUERIES.become_keys)
        rows = await connection.fetch(_QUERIES.count_by_master)
    return {row["master_key_id"]: row["accounts"] for row in rows}


async def rewrap(
    owner_url: str, masters: MasterKeys, *, progress: Callable[[int], None] = lambda _: None
) -> Rewrapped:
    """Wrap anew what another master key than the current one wraps.

    Args:
        owner_url: the owner's database, as for `migrate`.
        masters: open the old ones, wrap the new ones.
        progress: told how many accounts were looked at, after each batch.

    Raises:
        StartError: the database was not migrated, or refuses the connection.
        DatabaseUnavailable: no answer; what was done stays, and a next run goes on.
    """
    current = masters.current
    after, total = _FIRST, Rewrapped(0, 0, 0)
    async with _connected(owner_url) as connection:
        while True:
            async with connection.transaction():
                await connection.execute(_QUERIES.become_keys)
                rows = await connection.fetch(_QUERIES.list_to_rewrap, current.id, after, BATCH)
                if not rows:
                    return total
                opened = [pair for row in rows if (pair := _open(masters, row)) is not None]
                done = await connection.fetchval(
                    _QUERIES.rewrap,
                    [row["account_id"] for row, _ in opened],
                    [row["wrapped_key"] for row, _ in opened],
                    [wrap(current, key, row["account_id"]) for row, key in opened],
                    current.id,
                )
            after = rows[-1]["account_id"]
            total = Rewrapped(
                total.rewrapped + done,
                total.passed_by + len(opened) - done,
                total.not_opened + len(rows) - len(opened),
            )
            progress(len(rows))


def _open(masters: MasterKeys, row: asyncpg.Record) -> tuple[asyncpg.Record, bytes] | None:
    try:
        return row, unwrap(masters, row["wrapped_key"], row["account_id"])
    except KeyNotOpened as error:
        _log.error("a key was not wrapped anew", account_id=row["account_id"], error=str(error))
        return None


@asynccontextmanager
async def _connected(owner_url: str) -> AsyncIterator[asyncpg.Connection]:
    try:
        connection = await asyncpg.connect(
            owner_url,
            timeout=_CONNECT_TIMEOUT_SECONDS,
            command_timeout=_COMMAND_TIMEOUT_SECONDS,
            statement_cache_size=0,  # a pooler may stand before the server
        )
        try:
            yield connection
        finally:
            await asyncio.shield(connection.close(timeout=_CONNECT_TIMEOUT_SECONDS))
    except PASSING as error:
        raise DatabaseUnavailable(f"PostgreSQL is not available: {describe(error)}.") from error
    except asyncpg.PostgresError as error:
        raise StartError(
            f"The accounts' keys cannot be looked at: {describe(error)}. DATABASE_URL must be the "
            "owner's, and `pixelpop migrate` must have run."
        ) from error
