"""One whole Pixelpop for all tests of the gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from runtime.settings import Settings
from tests import servers as test_servers
from tests.fakes import telegram
from tests.fakes.oidc_issuer import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Issuer
from tests.integration.gateway.bot import Bot, a_bot
from tests.integration.gateway.world import (
    ADMIN,
    Gateway,
    Person,
    World,
    another_gateway,
    running,
)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def world(servers: Settings, template_url: str) -> AsyncIterator[World]:
    """Gateway, decider and projector over a database of their own."""
    assert servers.database_url is not None
    database = await test_servers.fresh_database(servers.database_url)
    async with running(
        servers, database, stream_heartbeat_seconds=0.5, admins=f"telegram:{ADMIN}"
    ) as one:
        yield one
    await test_servers.drop_database(servers.database_url, database)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def admin(world: World) -> Person:
    """Who is an admin by the settings."""
    return await world.person(telegram_id=ADMIN)


@pytest_asyncio.fixture(loop_scope="session")
async def person(world: World) -> Person:
    """Somebody new, with the welcome credits."""
    return await world.person()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def issuer() -> AsyncIterator[Issuer]:
    """An issuer of OpenID Connect; what a test tells it to do wrong, that test takes back."""
    async with Issuer().running() as one:
        yield one


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def open_gateway(world: World, issuer: Issuer) -> AsyncIterator[Gateway]:
    """One more gateway of the same world, which that issuer's users may come in by."""
    async with another_gateway(world, **of_issuer(issuer), identities_per_account_max=3) as one:
        yield one


def of_issuer(issuer: Issuer) -> dict[str, Any]:
    """Settings that let its users in."""
    return {
        "oidc_issuer": issuer.url,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        "oidc_redirect_uri": REDIRECT_URI,
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bot(world: World) -> AsyncIterator[Bot]:
    """A gateway whose bot lives in the double of Telegram."""
    async with a_bot(world) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def anna(bot: Bot) -> telegram.Person:
    """Somebody who has begun to talk with the bot, with the welcome credits."""
    return await bot.started()
