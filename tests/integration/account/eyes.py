"""A superuser's eyes on the tables, and hands for what no process may do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from runtime.waiting import until
from tests.integration.gateway.world import World


async def rows(world: World, query: str, *values: Any) -> list[Any]:
    """What a superuser sees."""
    connection = await asyncpg.connect(world.database.owner_url)
    try:
        return list(await connection.fetch(query, *values))
    finally:
        await connection.close()


async def erasure(world: World, account_id: str) -> Any:
    """The row in `erasures`, or None."""
    found = await rows(world, "SELECT * FROM erasures WHERE account_id = $1", UUID(account_id))
    return found[0] if found else None


async def until_finished(world: World, account_id: str, *, seconds: float = 30) -> None:
    """Wait until nothing of an erasure is left to do."""

    async def finished() -> bool:
        row = await erasure(world, account_id)
        return row is not None and None not in (
            row["swept_at"],
            row["done_at"],
            row["settled_at"],
        )

    await until(finished, seconds, what=f"the erasure of {account_id} to be finished")
