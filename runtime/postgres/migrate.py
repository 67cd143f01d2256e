"""Plain-SQL migrations, applied by pogo-migrate; two starts at once do not race.

pogo-migrate keeps the order and what was applied. It takes no lock and does not notice a file
that was changed after it was applied: both are added here. The lock is a transaction's advisory
lock on a connection of its own, so it also holds behind a transaction-mode pooler, goes with its
owner when that dies, and leaves each migration free to say `-- transaction: false`.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import structlog
from pogo_core.error import BadMigrationError
from pogo_core.util.migrate import apply
from pogo_core.util.sql import ensure_pogo_sync

from runtime.errors import StartError
from runtime.postgres.errors import PASSING, DatabaseUnavailable, describe
from runtime.queries import load_queries

LOCK_WAIT_SECONDS = 120.0
"""How long a start waits for another one that is migrating."""

STATEMENT_TIMEOUT_SECONDS = 3600.0
"""How long one statement of a migration may take: an index on a large table."""

_LOCK_POLL_SECONDS = 0.1
_CONNECT_TIMEOUT_SECONDS = 15.0
_FAILED = re.compile(r"Failed to apply (?P<name>\S+)")
_QUERIES = load_queries(Path(__file__).with_name("migrate.sql"))

# pogo-migrate warns of every migration that it applies.
_quiet = logging.getLogger("pogo_migrate.quiet")
_quiet.setLevel(logging.ERROR)

_log = structlog.get_logger(__name__)


async def migrate(owner_url: str, directory: Path) -> list[str]:
    """Apply every migration of `directory` that was not applied yet; the names of those applied.

    Waits while another start migrates the same database.

    Raises:
        StartError: a migration fails, cannot be read, is missing or was changed after it was
            applied; the message names the file and the server's reason. Those before it stay.
        DatabaseUnavailable: no server, or another start migrates for too long.
    """
    digests = _digests(directory)
    async with (
        _connected(owner_url) as lock,
        _connected(owner_url) as connection,
        lock.transaction(),
    ):
        await _take_lock(lock)
        await _make_books(connection)
        before = await _refuse_changed(connection, digests, directory)
        if set(digests) <= before:
            return []
        try:
            await _apply(connection, directory)
        finally:  # also of those that were applied before one failed
            if not connection.is_closed():
                await connection.execute(
                    _QUERIES.add_digests, list(digests), list(digests.values())
                )
    applied = [name for name in digests if name not in before]
    _log.info("database migrated", migrations=applied)
    return applied


def _digests(directory: Path) -> dict[str, bytes]:
    try:
        files = sorted(directory.glob("*.sql"))
        digests = {file.stem: hashlib.sha256(file.read_bytes()).digest() for file in files}
    except OSError as error:
        raise StartError(f"The migrations cannot be read: {error}.") from error
    if not digests:
        raise StartError(f"There are no migrations in {directory}.")
    return digests


async def _take_lock(connection: asyncpg.Connection) -> None:
    # Asked again and again rather than waited for: a statement that waits holds a snapshot, and
    # CREATE INDEX CONCURRENTLY in the other start would wait for it for ever.
    deadline = asyncio.get_running_loop().time() + LOCK_WAIT_SECONDS
    while not await connection.fetchval(_QUERIES.try_lock):
        await _drop_snapshot(connection)
        if asyncio.get_running_loop().time() > deadline:
            raise DatabaseUnavailable(
                f"Another start has been migrating the database for {LOCK_WAIT_SECONDS:g} s."
            )
        await asyncio.sleep(_LOCK_POLL_SECONDS)
    await _drop_snapshot(connection)


async def _drop_snapshot(connection: asyncpg.Connection) -> None:
    # The portal of the last parametrised query lives, with its snapshot, until the next query;
    # a query without parameters goes by the simple protocol, which leaves none behind.
    await connection.execute(_QUERIES.never_idle_out)


async def _make_books(connection: asyncpg.Connection) -> None:
    try:
        await ensure_pogo_sync(connection)
        await connection.execute(_QUERIES.make_digests)
    except PASSING as error:
        raise DatabaseUnavailable(f"PostgreSQL is not available: {describe(error)}.") from error
    except asyncpg.PostgresError as error:
        raise StartError(
            f"The database cannot be migrated: {describe(error)}. Migrations need the "
            "connection of the database's owner."
        ) from error


async def _refuse_changed(
    connection: asyncpg.Connection, digests: dict[str, bytes], directory: Path
) -> set[str]:
    rows = await connection.fetch(_QUERIES.get_digests)
    for row in rows:
        name, file = row["name"], directory / f"{row['name']}.sql"
        if name not in digests:
            raise StartError(
                f"The database has the migration {name}, but {file} is missing: this program is "
                "older than the database."
            )
        if digests[name] != row["digest"]:
            raise StartError(
                f"{file} was changed after it was applied. Restore it and put the change into a "
                "new migration; a database that may be lost can be made anew instead."
            )
    return {row["name"] for row in rows}


async def _apply(connection: asyncpg.Connection, directory: Path) -> None:
    try:
        await apply(connection, directory, schema_name="public", logger=_quiet)
    except BadMigrationError as error:
        failed = _FAILED.search(str(error))
        if failed is None:  # a file that pogo-migrate cannot read; its message names it
            raise StartError(f"A migration cannot be read: {error}.") from error
        cause = error.__cause__ or error
        if isinstance(cause, PASSING):
            raise DatabaseUnavailable(
                f"The migration {failed['name']} cannot run now: {describe(cause)}."
            ) from error
        raise StartError(
            f"The migration {directory / failed['name']}.sql fails: {describe(cause)}."
        ) from error


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    try:
        connection = await asyncpg.connect(
            url,
            timeout=_CONNECT_TIMEOUT_SECONDS,
            command_timeout=STATEMENT_TIMEOUT_SECONDS,
            statement_cache_size=0,
            server_settings={"application_name": "pixelpop migrate"},
        )
    except PASSING as error:
        raise DatabaseUnavailable(f"PostgreSQL does not answer: {describe(error)}.") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise StartError(
            f"PostgreSQL refuses the owner's connection: {describe(error)}."
        ) from error
    try:
        yield connection
    finally:
        await connection.close(timeout=_CONNECT_TIMEOUT_SECONDS)
