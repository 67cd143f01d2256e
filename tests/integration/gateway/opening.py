"""Opening what is sealed in events, as an auditor with the keys would."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from events.admin import Act
from runtime.crypto.keys import unwrap
from runtime.crypto.master import master_keys
from runtime.crypto.sealing import unseal
from tests.integration.gateway.log import records_about
from tests.integration.gateway.world import World


async def key_of(world: World, account_id: str) -> bytes:
    """An account's own key."""
    connection = await asyncpg.connect(world.database.owner_url)
    try:
        wrapped = await connection.fetchval(
            "SELECT wrapped_key FROM identities WHERE account_id = $1", UUID(account_id)
        )
    finally:
        await connection.close()
    return unwrap(master_keys(world.settings), wrapped, UUID(account_id))


async def opened_reason(world: World, account_id: str, index: int, *, field: str = "reason") -> str:
    """The reason of an account's `index`-th act, opened as that field."""
    key = await key_of(world, account_id)
    acts = [one for one in await records_about(world, account_id) if isinstance(one.event, Act)]
    event = acts[index].event
    assert isinstance(event, Act)
    assert event.reason is not None
    assert acts[index].event_id is not None
    return unseal(
        key,
        event.reason,
        account_id=UUID(account_id),
        event_id=UUID(acts[index].event_id),
        field=field,
    )
