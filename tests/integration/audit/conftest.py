"""The gateway's world, and a shop that sells by Stripe."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.integration.gateway.conftest import world
from tests.integration.gateway.stripe_shop import Shop, selling
from tests.integration.gateway.world import World

__all__ = ["world"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(world: World) -> AsyncIterator[Shop]:
    async with selling(world) as one:
        yield one
