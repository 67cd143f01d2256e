"""What can go wrong with PostgreSQL, in terms that callers act on."""

from __future__ import annotations

import asyncpg

from runtime.errors import PixelpopError


class DatabaseUnavailable(PixelpopError):
    """PostgreSQL cannot be reached, is restarting, or took too long; ask again later."""

    code = "database-unavailable"
    retryable = True


PASSING = (
    OSError,  # refused, reset; and TimeoutError, which is one
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
"""Errors of the driver that say nothing about the statement: the same one may work later."""


def describe(error: BaseException) -> str:
    """The error, with the server's details, as one clause of a sentence; some have no text."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
