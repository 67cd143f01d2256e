"""The schemas of read models: making one, naming those that exist, swapping, dropping.

Each rebuild fills a schema of its own (`read_v1`, `read_v2`, …); views in the schema `read` stand
before one of them, so the gateway's SQL never names a version.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import asyncpg
import msgspec
import structlog

from events.state import FOLD_VERSION
from projections import (
    accounts,
    batches,
    generations,
    moderation,
    offsets,
    profiles,
    purchases,
    spending,
    telegram,
    users,
    voids,
)
from projections import credits as credit_tables
from projections.errors import SchemaMismatch
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries

PROJECTION_VERSION: Final = 5
"""Raised with every change of what the rows mean or which there are; then rebuild."""

QUERIES = load_queries(Path(__file__).with_name("schema.sql"))
VIEWS = load_queries(Path(__file__).with_name("views.sql"))
COMPARE = load_queries(Path(__file__).with_name("compare.sql"))
INDEX_SECONDS_MAX: Final = 3_600.0
"""How long making one group's indexes may take."""
_GROUPS = (
    offsets,
    accounts,
    generations,
    batches,
    credit_tables,
    purchases,
    users,
    profiles,
    telegram,
    moderation,
    spending,
    voids,
)

_log = structlog.get_logger(__name__)


class Version(msgspec.Struct, frozen=True):
    """One schema of read models."""

    number: int
    schema: str
    uid: str
    projection_version: int
    fold_version: int
    state: Literal["filling", "serving", "previous"]

    @property
    def is_ours(self) -> bool:
        """Whether this version of the code can fill it."""
        return (self.projection_version, self.fold_version) == (PROJECTION_VERSION, FOLD_VERSION)


async def ensure(pool: Pool) -> list[Version]:
    """The schemas that exist; makes the first where there is none that serves.

    Raises:
        SchemaMismatch: some exist, and this version of the code can fill none that is in use.
    """
    await ensure_home(pool)
    versions = await existing(pool)
    if not any(version.state == "serving" for version in versions):
        await make(pool, "serving")
        versions = await existing(pool)
    in_use = [version for version in versions if version.state != "filling"]
    if in_use and not any(version.is_ours for version in in_use):
        serving = in_use[-1]
        raise SchemaMismatch(
            f"The schema {serving.schema} was made by projection version "
            f"{serving.projection_version} and fold version {serving.fold_version}; this program "
            f"has {PROJECTION_VERSION} and {FOLD_VERSION}. Run `pixelpop projections rebuild` with "
            "this program; until then run projectors of the old one."
        )
    return versions


async def ensure_home(pool: Pool) -> None:
    """Make the schema `read` and its list of versions, where they are missing."""
    async with transaction(pool) as connection:
        await connection.execute(QUERIES.lock)
        if not await connection.fetchval(QUERIES.has_home):
            await connection.execute(QUERIES.become_owner)
            await connection.execute(QUERIES.create_home)


async def existing(pool: Pool) -> list[Version]:
    """The schemas that exist, oldest first."""
    async with transaction(pool) as connection:
        return await _list(connection)


async def make(pool: Pool, state: Literal["filling", "serving"]) -> Version:
    """Make the next schema: `serving` at once (with views and indexes), or to be filled.

    Two that make at once make one schema; the second is given what the first made.
    """
    async with transaction(pool) as connection:
        await connection.execute(QUERIES.lock)
        for version in await _list(connection):
            if version.state == state:
                return version
        await connection.execute(QUERIES.become_owner)
        row = await connection.fetchrow(QUERIES.add, PROJECTION_VERSION, FOLD_VERSION, state)
        version = msgspec.convert(dict(row), Version)
        await _enter(connection, version.schema)
        await connection.execute(QUERIES.create_schema)
        for group in _GROUPS:
            await connection.execute(group.QUERIES.create)
        await connection.execute(COMPARE.create)
        await connection.execute(QUERIES.secure)
        if state == "serving":
            await index(connection)
            await connection.execute(VIEWS.define)
    _log.info("read schema made", schema=version.schema, state=state)
    return version


async def index(connection: asyncpg.Connection) -> None:
    """Make the indexes that only readers need; a rebuild does it after it has filled."""
    await connection.execute(QUERIES.become_owner)
    for group in _GROUPS:
        if "create_indexes" in group.QUERIES:
            await connection.execute(group.QUERIES.create_indexes, timeout=INDEX_SECONDS_MAX)


async def swap(connection: asyncpg.Connection, version: Version) -> None:
    """Put the views before this schema; the one that served becomes `previous`."""
    await connection.execute(QUERIES.lock)
    await connection.execute(QUERIES.become_owner)
    await _enter(connection, version.schema)
    await connection.execute(VIEWS.lock_views)
    await connection.execute(QUERIES.demote_serving)
    await connection.execute(QUERIES.set_state, version.schema, "serving")
    await connection.execute(VIEWS.define)


async def drop(pool: Pool, version: Version) -> None:
    """Drop a schema that does not serve, with everything in it."""
    async with transaction(pool, search_path=version.schema) as connection:
        await connection.execute(QUERIES.lock)
        await connection.execute(QUERIES.become_owner)
        await connection.execute(QUERIES.remove, version.schema)
        await connection.execute(QUERIES.drop_schema)
    _log.info("read schema dropped", schema=version.schema)


async def _enter(connection: asyncpg.Connection, schema: str) -> None:
    await connection.execute(QUERIES.set_search_path, schema)


async def _list(connection: asyncpg.Connection) -> list[Version]:
    return [msgspec.convert(dict(row), Version) for row in await connection.fetch(QUERIES.list)]
