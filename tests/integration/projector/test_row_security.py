"""Row-level security of the read models, through the gateway's own login."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
import pytest_asyncio

from projections import schema
from projections.filling import Filling
from runtime.postgres.pool import Pool, as_account, assert_least_privilege, open_pool, transaction
from runtime.settings import Settings
from tests.integration.projector.log import PARTITIONS, TABLES, TestLog
from tests.integration.projector.test_projector import fill, parts_of
from tests.integration.projector.world import World

SERVED = [name for name in TABLES if name != "voids"]


@pytest_asyncio.fixture(loop_scope="session")
async def gateway_pool(settings_for: Callable[[str], Settings]) -> AsyncIterator[Pool]:
    pool = await open_pool(settings_for("gateway"), application_name="test gateway")
    await assert_least_privilege(pool)
    yield pool
    await pool.close()


@pytest_asyncio.fixture(loop_scope="session")
async def filled(
    log: TestLog, projector_settings: Settings, projector_pool: Pool, owner: asyncpg.Connection
) -> None:
    """Rows of several accounts in every table."""
    await schema.ensure(projector_pool)
    await World(log.append, 20, 5).live(35)
    filling = Filling(projector_settings, projector_pool, "read_v1", "test", topic=log.topic)
    await filling.claim(range(PARTITIONS))
    await fill(filling, await parts_of(log), 1_000)


@pytest.mark.usefixtures("filled")
async def test_only_the_own_rows_are_seen(gateway_pool: Pool, owner: asyncpg.Connection) -> None:
    """In every table and view: unset, no rows; another account, none of mine; mine, all of mine."""
    for relation in [f"{where}.{name}" for where in ("read", "read_v1") for name in SERVED]:
        rows = await owner.fetch(f"SELECT account_id, count(*) FROM {relation} GROUP BY 1")
        assert len(rows) > 1, relation
        async with transaction(gateway_pool) as connection:
            assert await connection.fetch(f"SELECT * FROM {relation}") == []
        async with as_account(gateway_pool, uuid.uuid4()) as connection:
            assert await connection.fetch(f"SELECT * FROM {relation}") == []
        for account_id, count in rows[:3]:
            async with as_account(gateway_pool, account_id) as connection:
                seen = await connection.fetch(f"SELECT account_id FROM {relation}")
            assert [row[0] for row in seen] == [account_id] * count


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("name", ["accounts", "voids", "comparable"])
async def test_states_and_voids_are_not_the_gateways(gateway_pool: Pool, name: str) -> None:
    """What only the projector and auditors need is refused, own rows or not."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with as_account(gateway_pool, uuid.uuid4()) as connection:
            await connection.fetch(f"SELECT * FROM read_v1.{name}")


@pytest.mark.usefixtures("filled")
async def test_every_table_with_an_account_forces_row_security(owner: asyncpg.Connection) -> None:
    """Also one that somebody adds: the owner itself is bound by the policies."""
    rows = await owner.fetch(
        "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relowner::regrole::text"
        " FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid"
        " WHERE a.attname = 'account_id' AND c.relkind = 'r'"
        " AND c.relnamespace = 'read_v1'::regnamespace"
    )
    assert {row[0] for row in rows} == {*TABLES, "accounts"}
    assert {tuple(row)[1:] for row in rows} == {(True, True, "pixelpop_projector")}


@pytest.mark.usefixtures("filled")
async def test_the_gateway_cannot_write(gateway_pool: Pool, owner: asyncpg.Connection) -> None:
    """Not even its own rows."""
    account_id = await owner.fetchval("SELECT account_id FROM read.generations LIMIT 1")
    for statement in (
        "UPDATE read.generations SET status = 'done'",
        "DELETE FROM read_v1.ledger",
        "UPDATE read_v1.projection_offsets SET next_offset = 0",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with as_account(gateway_pool, account_id) as connection:
                await connection.execute(statement)


@pytest.mark.usefixtures("filled")
async def test_the_gallery_is_read_by_its_index(
    gateway_pool: Pool, owner: asyncpg.Connection
) -> None:
    """A page by keyset needs no sort and no other account's rows."""
    await owner.execute("SET enable_seqscan = off")
    account_id = await owner.fetchval("SELECT account_id FROM read.generations LIMIT 1")
    async with as_account(gateway_pool, account_id) as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")
        await connection.execute("SET LOCAL enable_bitmapscan = off")
        rows = await connection.fetch(
            "EXPLAIN SELECT * FROM read.generations"
            " WHERE (requested_at_ms, generation_id) < ($1, $2)"
            " ORDER BY requested_at_ms DESC, generation_id DESC LIMIT 20",
            2**60,
            uuid.UUID(int=2**128 - 1),
        )
    plan = "\n".join(row[0] for row in rows)
    assert "generations_gallery" in plan
    assert "Sort" not in plan
