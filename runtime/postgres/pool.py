"""Connection pools that are correct behind a transaction-mode pooler and keep accounts apart.

Behind such a pooler (PgBouncer, a cloud's proxy) two transactions of one client connection may
run on two server connections, and one server connection serves many clients. So nothing here
lives longer than a transaction: identity and search path are set by `set_config(…, true)`, which
ends with the transaction, and no prepared statement is named.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeAlias
from uuid import UUID

import asyncpg

from runtime.errors import SettingsError, StartError
from runtime.postgres.errors import PASSING, DatabaseUnavailable, describe
from runtime.queries import load_queries
from runtime.settings import Settings

_QUERIES = load_queries(Path(__file__).with_name("pool.sql"))
_RETRY_SECONDS = 0.1
_APPLICATION_NAME_BYTES_MAX = 63  # PostgreSQL cuts longer ones


Connection: TypeAlias = asyncpg.Connection
"""A connection or the pool's stand-in for one; asyncpg ships no types."""


class Pool(asyncpg.Pool):  # type: ignore[misc]  # untyped base
    """A pool in which waiting for a free connection ends after `acquire_timeout_seconds`."""

    acquire_timeout_seconds: float = 5.0

    def acquire(self, *, timeout: float | None = None) -> Any:
        """Like asyncpg's, bounded also when no timeout is given; covers `pool.fetch` too."""
        return super().acquire(timeout=timeout or self.acquire_timeout_seconds)


class PooledConnection(asyncpg.Connection):  # type: ignore[misc]  # untyped base
    """A connection that goes back to its pool without a question to the server."""

    def get_reset_query(self) -> str:
        """Nothing to reset, since nothing outlives a transaction; and one that is open is ended.

        Behind a transaction-mode pooler a reset would run on whatever server connection is free.
        """
        return ""


class PoolerConnection(PooledConnection):
    """A connection to a transaction-mode pooler: refuses what would need a session."""

    async def prepare(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: the named statement would be missing on the next server connection."""
        raise NotImplementedError("prepare() needs a session; use fetch() or execute().")

    async def add_listener(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: LISTEN belongs to a session; live updates come from the log."""
        raise NotImplementedError("LISTEN needs a session; live updates come from the log.")


async def open_pool(settings: Settings, *, application_name: str) -> Pool:
    """Connect to `settings.database_url` and return a pool of at most `database_pool_size`.

    Waits up to `database_connect_timeout_seconds` for a server that is starting. Acquire through
    `transaction` or `as_account`, which bound the wait for a free connection.

    Raises:
        SettingsError: DATABASE_URL is missing or no PostgreSQL address.
        StartError: the server refuses this user, password or database.
        DatabaseUnavailable: no answer in time.
    """
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL is not set.")
    limit = settings.database_connect_timeout_seconds
    deadline = asyncio.get_running_loop().time() + limit
    while True:
        try:
            return await _connect(settings, application_name)
        except PASSING as error:
            # Not a StartError: that would tell the supervisor that a restart is pointless.
            if asyncio.get_running_loop().time() > deadline:
                raise DatabaseUnavailable(
                    f"PostgreSQL did not answer within {limit:g} s: {describe(error)}."
                ) from error
            await asyncio.sleep(_RETRY_SECONDS)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
            raise StartError(
                f"PostgreSQL refuses the connection in DATABASE_URL: {describe(error)}."
            ) from error


async def _connect(settings: Settings, application_name: str) -> Pool:
    behind_pooler = settings.database_pooler == "transaction"
    pool = Pool(
        settings.database_url,
        min_size=1,
        max_size=settings.database_pool_size,
        max_queries=50_000,
        max_inactive_connection_lifetime=300.0,
        loop=None,
        record_class=asyncpg.Record,
        connection_class=PoolerConnection if behind_pooler else PooledConnection,
        statement_cache_size=0 if behind_pooler else 200,
        command_timeout=settings.database_command_timeout_seconds,
        timeout=settings.database_connect_timeout_seconds,
        # The only start-up parameter that poolers are known to accept.
        server_settings={"application_name": application_name[:_APPLICATION_NAME_BYTES_MAX]},
    )
    pool.acquire_timeout_seconds = settings.database_acquire_timeout_seconds
    await pool
    return pool


@asynccontextmanager
async def transaction(pool: Pool, *, search_path: str | None = None) -> AsyncIterator[Connection]:
    """Give a connection inside a transaction: commit at the end, roll back on an exception.

    `search_path` holds for this transaction only. Only database work belongs inside: what waits
    for anything else keeps a connection and its locks.

    Raises:
        DatabaseUnavailable: no free connection in time, or the server went away, was too slow or
            broke a deadlock. After a failed commit the outcome is unknown, so what is done
            inside must be safe to repeat.
    """
    async with _acquired(pool) as connection, connection.transaction():
        if search_path is not None:
            await connection.execute(_QUERIES.set_local, "search_path", search_path)
        yield connection


@asynccontextmanager
async def borrowed(pool: Pool) -> AsyncIterator[Connection]:
    """Give a connection outside of any transaction: for single statements that need no identity.

    Behind a transaction-mode pooler two statements may run on two server connections.

    Raises:
        DatabaseUnavailable: no free connection in time, or the server went away or was too slow.
    """
    async with _acquired(pool) as connection:
        yield connection


@asynccontextmanager
async def as_account(
    pool: Pool, account_id: UUID, *, search_path: str | None = None
) -> AsyncIterator[Connection]:
    """Like `transaction`, as this account: row-level security shows its rows and no others."""
    async with transaction(pool, search_path=search_path) as connection:
        await connection.execute(_QUERIES.set_local, "app.account_id", str(account_id))
        yield connection


@asynccontextmanager
async def _acquired(pool: Pool) -> AsyncIterator[Connection]:
    try:
        async with pool.acquire() as connection:
            try:
                yield connection
            except asyncpg.InterfaceError as error:
                # asyncpg uses this class both for misuse and for what was lost before.
                if not _is_lost(connection):
                    raise
                raise _unavailable(error) from error
            except asyncpg.InternalClientError as error:
                # The server's last words on this connection were read, its end was not yet: the
                # protocol is out of step, and nobody may go on with it.
                connection.terminate()
                raise _unavailable(error) from error
    except PASSING as error:
        raise _unavailable(error) from error


def _unavailable(error: BaseException) -> DatabaseUnavailable:
    return DatabaseUnavailable(f"PostgreSQL is not available: {describe(error)}.")


def _is_lost(connection: Connection) -> bool:
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool has taken the lost connection back already
        return True


async def assert_least_privilege(pool: Pool, *, may_own_tables: bool = False) -> None:
    """Refuse a connection whose rights would make row-level security an ornament.

    Refused: a superuser, a role that bypasses row-level security or may make roles, one that can
    become such a role, and the owner of any table outside the system's own schemas.
    `may_own_tables` allows owning tables outside `public`: the projector makes its own.

    Raises:
        StartError: names the role and every reason.
    """
    async with transaction(pool) as connection:
        row = await connection.fetchrow(_QUERIES.privileges, may_own_tables)
    reasons = [
        reason
        for held, reason in (
            (row["superuser"], "it is, or can become, a superuser"),
            (row["bypasses_rls"], "it bypasses, or can bypass, row-level security"),
            (row["makes_roles"], "it may make roles"),
            (row["owned"] is not None, f"it owns the table {row['owned']}"),
        )
        if held
    ]
    if reasons:
        raise StartError(
            f"The database role {row['role']} has more rights than this process may have: "
            f"{'; '.join(reasons)}. Give DATABASE_URL a role that is a member of its process's "
            "group role only."
        )
