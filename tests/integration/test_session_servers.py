"""The session's servers, as every integration test finds them."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg
import pytest

from runtime.objects import open_objects
from runtime.settings import Settings


async def test_a_test_has_its_own_migrated_database(settings: Settings):
    """The fixture's database is migrated and empty."""
    connection = await asyncpg.connect(settings.database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM identities") == 0
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "process",
    ["gateway", "decider", "worker", "projector", "eraser", "webhooks", "messages", "auditor"],
)
async def test_a_process_logs_in_as_its_group(settings_for: Callable[[str], Settings], process):
    """Each process's login becomes its group role, and nothing more."""
    connection = await asyncpg.connect(settings_for(process).database_url)
    try:
        assert await connection.fetchval("SELECT current_user") == f"pixelpop_{process}"
    finally:
        await connection.close()


async def test_the_bucket_takes_an_object_once(settings: Settings, account_id):
    """The embedded store knows `If-None-Match`: the second write of a key is refused."""
    async with open_objects(settings) as objects:
        key = f"tests/{account_id}"
        assert await objects.put_if_absent(key, b"first", "text/plain")
        assert not await objects.put_if_absent(key, b"second", "text/plain")
        assert await objects.get(key) == b"first"
