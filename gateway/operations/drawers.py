"""Whether some running worker draws with each provider that this gateway offers.

Gateways and workers are set up apart. A worker names what it draws with in Postgres for as long as
it runs; a gateway compares that with what it offers, and so does `pixelpop doctor`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import asyncpg
import structlog

from gateway.generations.models import Offer, offer_of
from gateway.operations import metrics
from runtime.diagnosis import Check, Scene
from runtime.errors import PixelpopError
from runtime.postgres.pool import Pool, borrowed
from runtime.queries import load_queries

_log = structlog.get_logger(__name__)
_QUERIES = load_queries(Path(__file__).with_name("drawers.sql"))

LOOK_SECONDS: Final = 15.0
_CANNOT: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Drawers:
    """Tells by a metric, and once in the log, of what is offered and drawn by nobody.

    Args:
        pool: connected as the gateway.
        offer: what it offers.
    """

    def __init__(self, pool: Pool, offer: Offer) -> None:
        self._pool = pool
        self._offer = offer
        self._undrawn: frozenset[str] = frozenset()

    async def keep_looking(self) -> None:
        """Look every `LOOK_SECONDS`, for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except (PixelpopError, asyncpg.PostgresError) as error:
                _log.warning("who draws with what was not read", error=str(error))

    async def look(self) -> frozenset[str]:
        """What is offered here, and drawn by no worker that runs.

        Raises:
            DatabaseUnavailable: it is not known now.
        """
        async with borrowed(self._pool) as connection:
            drawn = await connection.fetchval(_QUERIES.drawn)
        undrawn = self._offer.providers.difference(drawn)
        for name in self._offer.providers:
            metrics.UNDRAWN.labels(name).set(name in undrawn)
        if undrawn - self._undrawn:
            _log.warning("what is offered is drawn by no running worker", providers=sorted(undrawn))
        self._undrawn = undrawn
        return undrawn


async def providers(scene: Scene) -> list[Check]:
    """For `pixelpop doctor`: these settings' offer, and what running workers draw with."""
    if scene.reachable is None:
        return []
    offered = offer_of(scene.settings).providers
    try:
        connection = await asyncpg.connect(scene.reachable.database_url, statement_cache_size=0)
    except _CANNOT:
        return []  # the check of PostgreSQL has said so
    try:
        drawn = frozenset(await connection.fetchval(_QUERIES.drawn))
    except asyncpg.UndefinedTableError:
        return [Check("providers", "ok", "the database is not migrated yet")]
    except asyncpg.InsufficientPrivilegeError:
        said = "this role may not see what workers draw with"
        return [Check("providers", "warn", said, "Use the owner's or the gateway's DATABASE_URL")]
    finally:
        await connection.close()
    return [compared(offered, drawn)]


def compared(offered: frozenset[str], drawn: frozenset[str]) -> Check:
    """What a person should know of an offer.

    Args:
        offered: by gateways that are set up as this is.
        drawn: by the workers that run.
    """
    if not drawn:
        said = f"no worker runs; {_named(offered)} would be offered"
        return Check("providers", "warn", said, "Start `pixelpop worker`; jobs wait until then")
    if offered - drawn:
        said = f"{_named(offered - drawn)} offered by these settings, but drawn by no worker"
        todo = "Set the same keys for the workers, or take them from the gateway's settings"
        return Check("providers", "fail", said, todo)
    if drawn - offered:
        said = f"workers draw with {_named(drawn - offered)}, which these settings do not offer"
        todo = "Set the same keys for the gateway, if they are to be offered"
        return Check("providers", "warn", said, todo)
    return Check("providers", "ok", f"workers draw with what is offered: {_named(offered)}")


def _named(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
