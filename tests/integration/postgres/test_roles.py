"""The processes' logins: their own passwords, their group's rights and no others."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

import asyncpg
import pytest

from runtime.errors import StartError
from runtime.postgres.roles import create_process_roles
from runtime.settings import Settings
from tests.servers import Database

SettingsFor = Callable[[str], Settings]


async def test_each_connects_as_its_group(fresh_database: Database) -> None:
    """A process connects with its own login and acts as its group role."""
    for process, url in fresh_database.urls.items():
        connection = await asyncpg.connect(url)
        row = await connection.fetchrow("SELECT current_user::text, session_user::text")
        assert row["current_user"] == f"pixelpop_{process}"
        assert row["session_user"].startswith(f"pixelpop_{process}_")
        await connection.close()


async def test_passwords_differ_and_are_checked(fresh_database: Database) -> None:
    """No two logins share a password, and one login does not open with another's."""
    passwords = {url.split("@")[0].rpartition(":")[2] for url in fresh_database.urls.values()}
    assert len(passwords) == len(fresh_database.urls)
    gateway, worker = fresh_database.urls["gateway"], fresh_database.urls["worker"]
    stolen = worker.replace("pixelpop_worker_", "pixelpop_gateway_")
    assert stolen.split(":")[1] == gateway.split(":")[1]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(stolen)


async def test_renewing_at_once_works(fresh_database: Database) -> None:
    """Starts that renew the logins at once do not fail; the last password counts."""
    await asyncio.gather(
        *(create_process_roles(fresh_database.owner_url, ["worker"]) for _ in range(3))
    )
    urls = await create_process_roles(fresh_database.owner_url, ["worker"])
    connection = await asyncpg.connect(urls["worker"])
    await connection.close()


async def test_unmigrated_database_is_named(fresh_database: Database) -> None:
    """A process without a group role is refused with what to do."""
    with pytest.raises(StartError, match=r"pixelpop_nobody.*migrations"):
        await create_process_roles(fresh_database.owner_url, ["nobody"])


async def test_password_is_no_part_of_any_statement(fresh_database: Database) -> None:
    """The server is told a verifier only: no statement that it could log holds the password."""
    owner = await asyncpg.connect(fresh_database.owner_url)
    name = fresh_database.urls["gateway"].split("//")[1].split(":")[0]
    stored = await owner.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = $1", name)
    assert stored.startswith("SCRAM-SHA-256$4096:")
    await owner.close()


FORBIDDEN = {
    "gateway": [
        "SELECT * FROM identity_marks",
        "INSERT INTO identities DEFAULT VALUES",
        "DELETE FROM identities",
        "UPDATE identities SET wrapped_key = ''",
        "UPDATE provider_calls SET state = 'failed'",
        "CREATE TABLE public.mine (id int)",
        "CREATE SCHEMA mine",
        "SET ROLE pixelpop_keeper",
        "SET ROLE pixelpop_worker",
        "SELECT destroy_identity(gen_random_uuid())",
    ],
    "worker": [
        "SELECT * FROM sign_in('a', 'b', '', gen_random_uuid(), '', '')",
        "UPDATE identities SET registered_at = now()",
        "DELETE FROM provider_calls",
        "SELECT * FROM identity_marks",
    ],
    "decider": [
        "SELECT * FROM identities",
        "SELECT * FROM provider_calls",
    ],
    "projector": [
        "SELECT * FROM identities",
        "SELECT * FROM provider_calls",
        "CREATE TABLE public.mine (id int)",
    ],
    "webhooks": [
        "SELECT created_at FROM identities",
        "SELECT * FROM identity_links",
        "SELECT * FROM identity_marks",
        "SELECT * FROM provider_calls",
        "UPDATE webhook_endpoints SET url = ''",
        "UPDATE webhook_endpoints SET secret = ''",
        "INSERT INTO webhook_endpoints DEFAULT VALUES",
        "DELETE FROM webhook_endpoints",
        "SELECT * FROM sign_in('a', 'b', '', gen_random_uuid(), '', '')",
        "CREATE TABLE public.mine (id int)",
    ],
    "messages": [
        "SELECT * FROM identities",
        "SELECT * FROM identity_links",
        "SELECT * FROM identity_marks",
        "SELECT * FROM provider_calls",
        "UPDATE bot_messages SET about = ''",
        "UPDATE bot_messages SET account_id = gen_random_uuid()",
        "UPDATE bot_status_messages SET language = ''",
        "DELETE FROM bot_status_messages",
        "UPDATE bot_pace SET from_ms = 0",
        "SELECT * FROM telegram_accounts(ARRAY['1'])",
        "SELECT * FROM sign_in('a', 'b', '', gen_random_uuid(), '', '')",
        "CREATE TABLE public.mine (id int)",
    ],
    "auditor": [
        "SELECT * FROM identities",
        "SELECT * FROM identity_marks",
        "SELECT * FROM payments_told",
        "DELETE FROM payment_findings",
        "SELECT * FROM sign_in('a', 'b', '', gen_random_uuid(), '', '')",
        "CREATE TABLE public.mine (id int)",
    ],
    "eraser": [
        "SELECT wrapped_key FROM identities",
        "DELETE FROM identities",
        "SELECT mark FROM identity_marks",
        "UPDATE identity_marks SET banned = false",
        "SELECT * FROM sign_in('a', 'b', '', gen_random_uuid(), '', '')",
        "UPDATE provider_calls SET state = 'failed'",
        "CREATE TABLE public.mine (id int)",
    ],
}


@pytest.mark.parametrize("process", FORBIDDEN)
async def test_rights_end_there(fresh_database: Database, process: str) -> None:
    """What a process does not need, it may not do."""
    connection = await asyncpg.connect(fresh_database.urls[process])
    for statement in FORBIDDEN[process]:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


async def test_projector_makes_its_own_schemas(fresh_database: Database) -> None:
    """What the projector makes belongs to its group, so another copy of it can go on with it."""
    connection = await asyncpg.connect(fresh_database.urls["projector"])
    await connection.execute("CREATE SCHEMA read_v1 CREATE TABLE pictures (id int)")
    owner = await connection.fetchval(
        "SELECT tableowner FROM pg_tables WHERE schemaname = 'read_v1'"
    )
    assert owner == "pixelpop_projector"
    await connection.close()


async def test_long_database_name(servers: Settings) -> None:
    """A database with a long name gets logins that PostgreSQL does not cut to one and the same."""
    assert servers.database_url is not None
    from runtime.postgres.roles import login_name

    long = uuid.uuid4().hex * 2
    names = {login_name("pixelpop_gateway", long[:60] + end) for end in "ab"}
    assert len(names) == 2
    assert all(len(name) <= 63 for name in names)
