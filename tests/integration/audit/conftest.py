"""The gateway's world, a shop that sells by Stripe, and the part of the books that is compared."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from projections.audit import ledger
from projections.audit.rows import Entry
from runtime.postgres.pool import Pool
from tests.integration.gateway.conftest import world
from tests.integration.gateway.stripe_shop import Shop, selling
from tests.integration.gateway.world import World

__all__ = ["world"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(world: World) -> AsyncIterator[Shop]:
    async with selling(world) as one:
        yield one


@pytest.fixture(scope="module")
def books() -> Iterator[set[str]]:
    """The accounts whose purchases are compared: all tests of a session write one log, and what
    others bought at providers of theirs is unknown to these.
    """
    accounts: set[str] = set()
    purchases = ledger.purchases

    async def of_these(pool: Pool) -> dict[str, list[Entry]]:
        found = await purchases(pool)
        return {
            provider: [entry for entry in entries if entry.account_id in accounts]
            for provider, entries in found.items()
        }

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "purchases", of_these)
        yield accounts
