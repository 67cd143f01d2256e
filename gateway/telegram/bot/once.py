"""Each update is worked on by one process at a time, and to its end once.

What an update leads to in the log is the same however often it is done; what it says in a chat is
not. So a process takes an update before it works on it. One that dies half-way is followed by
another at the next delivery, and then something may be said twice, but nothing is lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from gateway.web.errors import Problem
from runtime.postgres.pool import Pool, borrowed
from runtime.queries import load_queries

LEASE_SECONDS: Final = 60.0
"""How long nobody else works on an update; more than all its calls together may take."""

_QUERIES = load_queries(Path(__file__).with_name("once.sql"))


async def once(pool: Pool, update_id: int, work: Callable[[float], Awaitable[bool]]) -> bool:
    """Work on an update, unless that was done before.

    Args:
        pool: keeps which updates were taken.
        update_id: Telegram's number of it.
        work: does it all, told how many seconds ago the update came first; says whether there was
            anything to do.

    Returns:
        What `work` said; False: it was done before.

    Raises:
        Problem: somebody works on it at this moment; Telegram will bring it again.
        PixelpopError: `work`'s; the next delivery is worked on again.
    """
    async with borrowed(pool) as connection:
        age_seconds = await connection.fetchval(_QUERIES.take, update_id, LEASE_SECONDS)
        if age_seconds is None:
            if await connection.fetchval(_QUERIES.is_done, update_id) is not False:
                return False
            raise Problem("overloaded", "This update is being worked on. Send it again shortly.")
        await connection.execute(_QUERIES.forget)
    left_as = _QUERIES.leave  # whatever ends the work, a cancellation too
    try:
        outcome = await work(age_seconds)
        left_as = _QUERIES.done
    finally:
        async with borrowed(pool) as connection:
            await connection.execute(left_as, update_id)
    return outcome
