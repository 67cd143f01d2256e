"""A login role for every process, with no more rights than its group role.

The group roles come from the migrations. A login is made anew at every start with a new password,
of which the server is only told the SCRAM verifier, so that no statement log can hold it. It
becomes its group role as it connects: what a process makes belongs to the group.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import asyncpg

from runtime.errors import StartError
from runtime.postgres.errors import PASSING, DatabaseUnavailable, describe
from runtime.queries import load_queries

GROUP_PREFIX = "pixelpop_"
GROUPS = tuple(
    GROUP_PREFIX + name
    for name in (
        *("gateway", "decider", "worker", "projector", "eraser", "webhooks", "messages"),
        "auditor",
        # `pixelpop keys` becomes the first for a transaction; the second owns the functions that
        # see more than their caller may. Nobody logs in as either.
        *("keys", "keeper"),
    )
)
"""Every group role that the migrations make."""

_SCRAM_ITERATIONS = 4096  # PostgreSQL's default; the password is 256 random bits
_ROLE_BYTES_MAX = 63
_CONNECT_TIMEOUT_SECONDS = 15.0
_QUERIES = load_queries(Path(__file__).with_name("roles.sql"))


async def create_process_roles(owner_url: str, processes: Iterable[str]) -> dict[str, str]:
    """Make or renew a login role per process (`gateway`, …); process → its DATABASE_URL.

    A login is named after group and database. Renewing it changes its password: connections that
    are open stay, those of another `up` on the same database cannot be made any more.

    Raises:
        StartError: no such group role (the migrations were not applied), or the owner may not
            make roles.
        DatabaseUnavailable: the server does not answer.
    """
    try:
        connection = await asyncpg.connect(
            owner_url, timeout=_CONNECT_TIMEOUT_SECONDS, statement_cache_size=0
        )
    except PASSING as error:
        raise DatabaseUnavailable(f"PostgreSQL does not answer: {describe(error)}.") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise StartError(
            f"PostgreSQL refuses the owner's connection: {describe(error)}."
        ) from error
    try:
        # All or none: half of the processes with new passwords help nobody.
        async with connection.transaction():
            await connection.execute(_QUERIES.lock)
            return {name: await _create(connection, owner_url, name) for name in processes}
    except asyncpg.PostgresError as error:
        raise StartError(
            f"The processes' database roles cannot be made: {describe(error)}."
        ) from error
    finally:
        await connection.close(timeout=_CONNECT_TIMEOUT_SECONDS)


def login_name(group: str, database: str) -> str:
    """The login's name: group and database, cut and hashed where PostgreSQL would cut it."""
    name = f"{group}_{database}"
    if len(name.encode("utf-8")) <= _ROLE_BYTES_MAX:
        return name
    return f"{group}_{hashlib.sha256(database.encode('utf-8')).hexdigest()[:16]}"


def with_login(url: str, user: str, password: str) -> str:
    """The same database for somebody else."""
    parts = urlsplit(url)
    # What stood before the last @, and user and password in the query, are the owner's.
    address = parts.netloc.rpartition("@")[2]
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in _CREDENTIALS]
    netloc = f"{quote(user, safe='')}:{quote(password, safe='')}@{address}"
    return urlunsplit(parts._replace(netloc=netloc, query=urlencode(query)))


_CREDENTIALS = frozenset({"user", "password", "passfile"})


async def _create(connection: asyncpg.Connection, owner_url: str, process: str) -> str:
    group = GROUP_PREFIX + process
    if not await connection.fetchval(_QUERIES.role_exists, group):
        raise StartError(
            f"The database has no role {group}: its migrations were not applied, or "
            f"{process} is no process."
        )
    login = login_name(group, await connection.fetchval(_QUERIES.database))
    password = secrets.token_urlsafe(32)
    exists = await connection.fetchval(_QUERIES.role_exists, login)
    verifier = scram_verifier(password)
    for statement in await connection.fetchval(
        _QUERIES.statements, login, group, verifier, not exists
    ):
        await connection.execute(statement)
    return with_login(owner_url, login, password)


def scram_verifier(password: str, *, salt: bytes | None = None) -> str:
    """What PostgreSQL stores for an ASCII password (RFC 5802, RFC 7677; `pg_authid`)."""
    salt = os.urandom(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _SCRAM_ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode("ascii") for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${_SCRAM_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"
