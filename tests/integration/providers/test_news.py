"""A worker hears of what the gateway kept, call by call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from events.ids import GenerationId
from processors.worker.news import ProviderNews
from runtime.crypto.master import master_keys
from runtime.postgres.pool import Pool, open_pool
from runtime.settings import Settings
from tests.integration.providers.claims import Claim, Claims


@pytest_asyncio.fixture(loop_scope="session")
async def pool(worker_settings: Settings) -> AsyncIterator[Pool]:
    one = await open_pool(worker_settings, application_name="test")
    yield one
    await one.close()


@pytest_asyncio.fixture(loop_scope="session")
async def news(worker_settings: Settings, pool: Pool) -> AsyncIterator[ProviderNews]:
    one = ProviderNews(worker_settings, pool, master_keys(worker_settings))
    yield one
    await one.stop()


async def test_what_a_webhook_tells_reaches_who_waits_for_it(
    claims: Claims, news: ProviderNews
) -> None:
    """The call that is told of wakes up, and the one beside it sleeps on."""
    mine, other = await claims.submitted(), await claims.submitted()
    with (
        news.of(GenerationId(mine.generation_id), 1) as told,
        news.of(GenerationId(other.generation_id), 1) as not_told,
    ):
        assert (await claims.send(mine)).status_code == 204
        async with asyncio.timeout(20):
            await told.wait()
        assert not not_told.is_set()


async def test_what_was_told_before_anybody_waited_is_heard(
    claims: Claims, news: ProviderNews
) -> None:
    """A worker that takes over hears what came while nobody listened."""
    claim = await claims.submitted()
    await claims.send(claim)
    with news.of(GenerationId(claim.generation_id), 1) as told:
        async with asyncio.timeout(20):
            await told.wait()


async def test_the_address_that_it_gives_out_is_taken(claims: Claims, news: ProviderNews) -> None:
    """Worker and gateway make and check the same token."""
    claim = await claims.submitted()
    address = news.address("replicate", GenerationId(claim.generation_id), 1)
    assert address is not None
    assert address.startswith(claims.world.url)
    assert (await claims.send(claim, address=address)).status_code == 204


@pytest.mark.parametrize(
    "changes",
    [
        {"public_url": None},
        {"replicate_webhook_secrets": ""},
        {"replicate_base_url": "https://api.replicate.com/v1"},  # which calls https only
    ],
)
async def test_without_all_it_needs_there_is_no_address(
    worker_settings: Settings, pool: Pool, changes: dict[str, str | None]
) -> None:
    """No webhook is asked for that could not come or could not be checked."""
    settings = msgspec.structs.replace(worker_settings, **changes)
    one = ProviderNews(settings, pool, master_keys(settings))
    assert one.address("replicate", GenerationId("x"), 1) is None
    with one.of(GenerationId("7e5ba6f0-0000-5000-8000-000000000001"), 1) as told:
        assert not told.is_set()
    await one.stop()


async def test_neither_side_may_do_the_others_part(
    claims: Claims, pool: Pool, world_gateway: asyncpg.Connection
) -> None:
    """A worker cannot make news up, and a gateway cannot read them or whose claims there are."""
    claim: Claim = await claims.submitted()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(
            "INSERT INTO provider_news VALUES ('replicate', 'm', gen_random_uuid(), 1)"
        )
    for statement in (
        "SELECT count(*) FROM provider_news",
        "SELECT provider_ref FROM provider_calls",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world_gateway.execute(statement)
    own = "SELECT count(*) FROM provider_calls WHERE generation_id = $1"
    assert await world_gateway.fetchval(own, claim.generation_id) == 0


@pytest_asyncio.fixture(loop_scope="session")
async def world_gateway(claims: Claims) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the gateway's login."""
    connection = await asyncpg.connect(claims.world.database.urls["gateway"])
    yield connection
    await connection.close()
