"""A whole Pixelpop for the walks: everything is configured, and no limit ends a walk early."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runtime.settings import Settings
from tests import servers as test_servers
from tests.contract.stateful.roles import ADMIN, WEBHOOK_SECRET, Town
from tests.fakes import oidc_issuer
from tests.integration.gateway.world import running

MANY = 1_000_000


@asynccontextmanager
async def a_town(servers: Settings) -> AsyncIterator[Town]:
    """Gateway, decider and projector over a database of their own; an issuer to sign in with."""
    assert servers.database_url is not None
    database = await test_servers.fresh_database(servers.database_url)
    async with (
        oidc_issuer.Issuer().running() as issuer,
        running(
            servers,
            database,
            stream_heartbeat_seconds=0.2,
            admins=f"telegram:{ADMIN}",
            welcome_credits=10_000,
            limit_address_per_minute=MANY,
            limit_sign_ins_per_minute=MANY,
            limit_failures_per_minute=MANY,
            limit_account_per_minute=MANY,
            limit_changes_per_hour=MANY,
            limit_api_key_requests=MANY,
            oidc_issuer=issuer.url,
            oidc_client_id=oidc_issuer.CLIENT_ID,
            oidc_client_secret=oidc_issuer.CLIENT_SECRET,
            oidc_redirect_uri=oidc_issuer.REDIRECT_URI,
            telegram_webhook_secret=WEBHOOK_SECRET,
        ) as world,
    ):
        assert world.settings.telegram_bot_token is not None
        town = Town(world.url, world.settings.telegram_bot_token)
        try:
            yield town
        finally:
            town.close()
    await test_servers.drop_database(servers.database_url, database)
