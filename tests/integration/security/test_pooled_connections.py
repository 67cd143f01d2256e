"""Threat 39 on connections that many share: each transaction is its own account's alone."""

from __future__ import annotations

import asyncio
import random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from runtime.postgres.pool import Pool, as_account, open_pool, transaction
from runtime.settings import Settings
from tests.fakes.transaction_pooler import transaction_pooler
from tests.integration.gateway.world import World
from tests.integration.security.robbery import Victim


def gateway_settings(world: World, **changes: Any) -> Settings:
    """A gateway's settings over the world's database."""
    changes = {"database_url": world.database.urls["gateway"], **changes}
    return msgspec.structs.replace(world.settings, **changes)


@pytest.mark.parametrize("pooled_by", ["asyncpg", "transaction pooler"])
async def test_a_pooled_connection_forgets_whose_it_was(
    world: World, victim: Victim, pooled_by: str
) -> None:
    """Threat 39: after success, error, cancellation and a broken commit the next user is nobody."""
    url = world.database.urls["gateway"]
    async with transaction_pooler(url, servers_max=1) as pooler:
        behind = pooled_by != "asyncpg"
        settings = gateway_settings(
            world,
            database_url=pooler.url if behind else url,
            database_pooler="transaction" if behind else "none",
            database_pool_size=1,
        )
        pool = await open_pool(settings, application_name="test pooled")
        try:
            for leave in (_peacefully, _by_error, _by_server_error, _cancelled):
                await leave(pool, victim.account_id)
                async with transaction(pool) as connection:
                    assert await _seen(connection) == 0, leave.__name__
                async with as_account(pool, uuid4()) as connection:
                    assert await _seen(connection) == 0, leave.__name__
        finally:
            await pool.close()


async def _seen(connection: asyncpg.Connection) -> int:
    counted: int = await connection.fetchval(
        "SELECT (SELECT count(*) FROM read.generations) + (SELECT count(*) FROM read.ledger)"
        " + (SELECT count(*) FROM identities) + (SELECT count(*) FROM provider_calls)"
    )
    return counted


async def _peacefully(pool: Pool, account_id: UUID) -> None:
    async with as_account(pool, account_id) as connection:
        assert await _seen(connection) > 3


async def _by_error(pool: Pool, account_id: UUID) -> None:
    async def fail() -> None:
        async with as_account(pool, account_id) as connection:
            assert await _seen(connection) > 3
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()


async def _by_server_error(pool: Pool, account_id: UUID) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with as_account(pool, account_id) as connection:
            await connection.fetchval("SELECT 1 / 0")


async def _cancelled(pool: Pool, account_id: UUID) -> None:
    begun = asyncio.Event()

    async def held() -> None:
        async with as_account(pool, account_id) as connection:
            begun.set()
            await connection.execute("SELECT pg_sleep(1)")

    task = asyncio.create_task(held())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_many_share_few_connections_and_see_their_own(
    world: World, owner: asyncpg.Connection, victim: Victim
) -> None:
    """Threat 39: hundreds of transactions over three connections, some of which fail, never mix."""
    people = [row[0] for row in await owner.fetch("SELECT account_id FROM identities")]
    settings = gateway_settings(world, database_pool_size=3)
    pool = await open_pool(settings, application_name="test shared")
    drawing = random.Random(39)

    async def ask(account_id: UUID | None) -> None:
        if account_id is None:
            async with transaction(pool) as connection:
                assert await _seen(connection) == 0
            return
        async with as_account(pool, account_id) as connection:
            rows = await connection.fetch(
                "SELECT account_id FROM identities UNION ALL SELECT account_id FROM read.ledger"
            )
            assert {row[0] for row in rows} == {account_id}
            if drawing.random() < 0.2:
                raise ZeroDivisionError

    try:
        asked = [drawing.choice([*people, None]) for _ in range(400)]
        outcomes = await asyncio.gather(*(ask(one) for one in asked), return_exceptions=True)
    finally:
        await pool.close()
    assert victim.account_id in people
    assert {type(one) for one in outcomes} <= {type(None), ZeroDivisionError}, outcomes
