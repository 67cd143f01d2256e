"""deploy/postgres-init/10-logins.sh, run against a real PostgreSQL as its image would run it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest

from runtime.embedded import artifacts
from runtime.postgres.pool import assert_least_privilege, open_pool
from runtime.settings import Settings

SCRIPT = Path(__file__).parents[2] / "deploy" / "postgres-init" / "10-logins.sh"
PROCESSES = (
    *("gateway", "decider", "worker", "projector", "eraser", "webhooks", "messages"),
    "auditor",
)

pytestmark = pytest.mark.skipif(
    os.environ.get("PIXELPOP_TEST_SERVERS", "embedded") != "embedded",
    reason="uses the psql of the embedded PostgreSQL",
)


async def _run_script(owner_url: str, password: str) -> None:
    parts = urlsplit(owner_url)
    process = await asyncio.create_subprocess_exec(
        str(SCRIPT),
        env={
            "PATH": f"{artifacts.postgres_programs()}:{os.environ['PATH']}",
            "PGHOST": str(parts.hostname),
            "PGPORT": str(parts.port),
            "PGPASSWORD": str(parts.password),
            "POSTGRES_USER": str(parts.username),
            "POSTGRES_DB": parts.path.lstrip("/"),
            **{f"{name.upper()}_DB_PASSWORD": f"{password}{name}" for name in PROCESSES},
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


def _as(settings: Settings, login: str, password: str) -> Settings:
    parts = urlsplit(str(settings.database_url))
    url = f"postgresql://{login}:{password}@{parts.hostname}:{parts.port}{parts.path}"
    return msgspec.structs.replace(settings, database_url=url)


async def test_logins_are_their_groups(settings: Settings) -> None:
    """Each login that the script makes connects, is its group role, and owns nothing."""
    await _run_script(str(settings.database_url), "first'quote")
    for name in PROCESSES:
        login = _as(settings, name, f"first%27quote{name}")
        pool = await open_pool(login, application_name="test")
        try:
            await assert_least_privilege(pool)
            assert await pool.fetchval("SELECT current_user") == f"pixelpop_{name}"
        finally:
            await pool.close()


async def test_running_it_again_renews_passwords(settings: Settings) -> None:
    """A second run is harmless: what exists stays, and only the new passwords are good."""
    await _run_script(str(settings.database_url), "old")
    await _run_script(str(settings.database_url), "new")
    connection = await asyncpg.connect(_as(settings, "gateway", "newgateway").database_url)
    await connection.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(_as(settings, "gateway", "oldgateway").database_url)
