"""Threat 39: nobody reads or changes another's rows: by no query, as no role, on no connection."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from runtime.postgres.pool import Pool, as_account, open_pool, transaction
from runtime.settings import Settings
from tests.fakes.transaction_pooler import transaction_pooler
from tests.integration.gateway.test_resources import made, rich
from tests.integration.gateway.world import World
from tests.integration.security import robbery
from tests.integration.security.robbery import Query, Victim

ASKS_BY_CAPABILITY = {
    "gateway/generations/replay.sql:get_known": "names a generation, is told its status and MAC",
    "gateway/identity/wrapped_keys.sql:get_wrapped_keys": "names accounts, is told wrapped keys",
    "gateway/access/lookup.sql:get_access": "names accounts, is told roles and owners",
    "gateway/access/lookup.sql:get_api_keys": "holds the hash of a key, is told whose it is",
    "gateway/identity/standing.sql:get_standings": "names accounts, is told wrapped keys and bans",
    "gateway/identity/sign_in.sql:sign_in": "holds checked proof of the outside identity",
}
"""What the gateway asks before it knows for whom: each answers only about what it was given."""

ABOUT_NOBODY = {
    "gateway/live/consistency.sql:get_offsets": "how far the read models are",
    "gateway/account/erasure.sql:destroy_own": "whether the own identity was there",
    "gateway/identity/links.sql:link": "how linking an identity to the own account went",
    "gateway/identity/links.sql:unlink": "how unlinking one from the own account went",
    "gateway/operations/readiness.sql:is_migrated": "whether a function exists",
    "gateway/operations/readiness.sql:has_read_models": "whether a function exists",
}
"""What everybody may be told."""

TOLD_TO_THEIR_OWNER = {
    "gateway/identity/auth.sql:get_balance",
    "gateway/money/credits.sql:get_account",
    "gateway/money/credits.sql:get_grants",
    "gateway/money/credits.sql:list_ledger",
    "gateway/generations/reads.sql:get_generation",
    "gateway/generations/reads.sql:get_images",
    "gateway/generations/reads.sql:get_image",
    "gateway/generations/reads.sql:list_generations",
    "gateway/generations/routes.sql:get_claim",
    "gateway/money/purchases.sql:list_purchases",
    "gateway/money/purchases.sql:get_purchase",
    "gateway/webhooks/endpoints.sql:list_endpoints",
    "gateway/webhooks/endpoints.sql:get_endpoint",
}
"""What the same arguments must find when the victim itself asks, or the proof proves nothing."""

OWN_QUERIES = {
    "pixelpop_gateway": (),
    "pixelpop_decider": (),
    "pixelpop_worker": ("processors/worker/",),
    "pixelpop_projector": ("projections/",),
    "pixelpop_eraser": ("processors/eraser/",),
    "pixelpop_webhooks": ("processors/webhooks/",),
    "pixelpop_keys": ("runtime/postgres/key_rotation.sql",),
}
"""Whose queries tell a role of any account: it works for all of them."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(world: World) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(world.database.owner_url, statement_cache_size=0)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def victim(world: World, owner: asyncpg.Connection) -> Victim:
    """Somebody with something in every table that the API of today fills."""
    person = await world.person()
    await rich(person)
    await made(world, person, prompt="my most private wish", count=2)
    cancelled = (await person.ask(prompt="never mind")).json()["id"]
    assert (await person.post(f"/generations/{cancelled}/cancel")).status_code in {200, 202}
    endpoint = await person.post(
        "/webhooks", json={"url": "https://example.com/private-address-of-mine"}
    )
    assert endpoint.status_code == 201, endpoint.text
    return await robbery.victim_of(owner, UUID(person.account_id))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def thief(world: World) -> UUID:
    return UUID((await world.person()).account_id)


def gateway_settings(world: World, **changes: Any) -> Settings:
    """A gateway's settings over the world's database."""
    changes = {"database_url": world.database.urls["gateway"], **changes}
    return msgspec.structs.replace(world.settings, **changes)


GATEWAYS = [query for query in robbery.queries() if query.file.startswith("gateway/")]


@pytest.mark.parametrize("query", GATEWAYS, ids=str)
async def test_no_query_of_the_gateway_crosses_accounts(
    owner: asyncpg.Connection, victim: Victim, thief: UUID, query: Query
) -> None:
    """Threat 39: with all of the victim's ids, somebody else and nobody get and change nothing."""
    for identity in (thief, None):
        tried = await robbery.attempt(
            owner, query, victim, role="pixelpop_gateway", identity=identity
        )
        assert not tried.changed, tried.shown
        if str(query) not in ASKS_BY_CAPABILITY | ABOUT_NOBODY:
            assert tried.rows == 0, tried.shown


async def test_the_same_arguments_find_the_own_rows(
    owner: asyncpg.Connection, victim: Victim
) -> None:
    """The proof above can fail: what the victim itself asks that way, it is told."""
    told = set()
    for query in GATEWAYS:
        tried = await robbery.attempt(
            owner, query, victim, role="pixelpop_gateway", identity=victim.account_id
        )
        assert not tried.refused, query
        if tried.rows:
            told.add(str(query))
    assert told >= TOLD_TO_THEIR_OWNER, TOLD_TO_THEIR_OWNER - told


@pytest.mark.parametrize("role", OWN_QUERIES)
async def test_no_other_role_gets_there_by_any_query(
    owner: asyncpg.Connection, victim: Victim, thief: UUID, role: str
) -> None:
    """Threat 39: every query as every role: only who works for all accounts is told of one."""
    told = []
    for query in robbery.queries():
        if str(query) in ABOUT_NOBODY | ASKS_BY_CAPABILITY:
            continue
        tried = await robbery.attempt(owner, query, victim, role=role, identity=thief, most=20)
        if (tried.rows or tried.changed) and not query.file.startswith(OWN_QUERIES[role]):
            told.append(f"{query}: {tried.shown}")
    assert told == []


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


async def test_every_table_of_somebodys_is_guarded(owner: asyncpg.Connection) -> None:
    """Also one that is added tomorrow: row-level security is on, and binds its owner too."""
    for table in await robbery.tables(owner):
        row = await owner.fetchrow(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = $1::regclass",
            table,
        )
        assert tuple(row) == (True, True), table


async def test_the_gateways_policies_name_the_account(owner: asyncpg.Connection) -> None:
    """No policy of the gateway lets a row through that is not the account's own."""
    rows = await owner.fetch(
        "SELECT tablename, policyname, qual, with_check FROM pg_policies"
        " WHERE 'pixelpop_gateway' = ANY(roles) OR 'public' = ANY(roles)"
    )
    assert rows
    for row in rows:
        for condition in (row["qual"], row["with_check"]):
            assert condition is None or "account_id = " in condition, tuple(row)
            assert condition is None or "app_account_id()" in condition, tuple(row)
