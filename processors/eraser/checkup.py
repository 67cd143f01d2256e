"""What `pixelpop doctor` asks about accounts: does what the log says agree with the identities?"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import asyncpg

from runtime.diagnosis import Check, Scene
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("checkup.sql"))

NAMED_MAX: Final = 3
"""How many accounts are named; all are counted."""
ERASED_SECONDS: Final = 60.0
"""So long an erasure may take to reach the identities."""
UNFINISHED_SECONDS: Final = 3_600.0
"""Beside the wait before the last sweep, so long an erasure may take."""
_CANNOT: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


async def accounts(scene: Scene) -> list[Check]:
    """Live accounts without an identity, erased ones with one, erasures that do not end."""
    if scene.reachable is None:
        return []
    try:
        connection = await asyncpg.connect(scene.reachable.database_url, statement_cache_size=0)
    except _CANNOT:
        return []  # the check of PostgreSQL has said so
    try:
        may = await connection.fetchrow(_QUERIES.may_look)
        if not may["there"]:
            return [Check("accounts", "ok", "there are no read models yet to compare with")]
        if not may["sees_all"]:
            said = "row-level security hides the identities from this role"
            return [Check("accounts", "warn", said, "Use the owner's or the eraser's DATABASE_URL")]
        again = scene.settings.erasure_sweep_again_seconds + UNFINISHED_SECONDS
        lost = await connection.fetch(_QUERIES.live_without_identity, NAMED_MAX)
        kept = await connection.fetch(_QUERIES.erased_with_identity, NAMED_MAX, ERASED_SECONDS)
        late = await connection.fetch(_QUERIES.unfinished, NAMED_MAX, again)
    except asyncpg.UndefinedTableError:
        return [Check("accounts", "ok", "the database is not migrated yet")]
    finally:
        await connection.close()
    return [
        *_fault(
            lost,
            "live accounts have no identity",
            "Restore identities from its backup; nobody can sign in to these",
        ),
        *_fault(
            kept,
            "erased accounts have an identity",
            "Run `pixelpop eraser`: it destroys them; was an old backup restored?",
        ),
        *_fault(late, "erasures are not finished", "See the eraser's log", state="warn"),
    ] or [Check("accounts", "ok", "every live account has an identity, and no erased one")]


def _fault(rows: list[Any], what: str, todo: str, *, state: Any = "fail") -> list[Check]:
    if not rows:
        return []
    number = rows[0]["number"]
    named = ", ".join(row["account_id"] for row in rows)
    more = ", …" if number > len(rows) else ""
    return [Check("accounts", state, f"{number} {what}: {named}{more}", todo)]
