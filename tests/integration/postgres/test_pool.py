"""The pool against a real server: what it refuses, bounds and keeps apart."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest

from runtime.errors import SettingsError, StartError
from runtime.postgres.errors import DatabaseUnavailable
from runtime.postgres.pool import (
    as_account,
    assert_least_privilege,
    borrowed,
    open_pool,
    transaction,
)
from runtime.settings import Settings
from tests.servers import PROCESSES

SettingsFor = Callable[[str], Settings]


async def test_missing_address_is_named() -> None:
    """Without DATABASE_URL the start stops with a sentence that names it."""
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        await open_pool(Settings(), application_name="test")


@pytest.mark.parametrize("part", ["password", "database", "scheme"])
async def test_refused_address_stops_the_start(settings: Settings, part: str) -> None:
    """A wrong password, database or scheme is a StartError that does not show the password."""
    url = settings.database_url
    assert url is not None
    password = url.split("@")[0].rpartition(":")[2]
    wrong = {
        "password": url.replace(password, "wrong-password"),
        "database": url.rpartition("/")[0] + "/no_such_database",
        "scheme": url.replace("postgresql://", "mysql://"),
    }[part]
    with pytest.raises(StartError) as refusal:
        await open_pool(msgspec.structs.replace(settings, database_url=wrong), application_name="t")
    assert password not in str(refusal.value)
    assert "wrong-password" not in str(refusal.value)


async def test_no_server_is_retryable(unused_tcp_port_url: str) -> None:
    """Where nothing listens, the start waits as long as it may and says: later."""
    settings = Settings(database_url=unused_tcp_port_url, database_connect_timeout_seconds=0.3)
    with pytest.raises(DatabaseUnavailable, match="did not answer") as error:
        await open_pool(settings, application_name="test")
    assert error.value.retryable


async def test_waiting_for_a_connection_is_bounded(settings_for: SettingsFor) -> None:
    """When all connections are taken the next one is refused in time, also by `pool.fetch`."""
    settings = msgspec.structs.replace(
        settings_for("gateway"), database_pool_size=1, database_acquire_timeout_seconds=0.1
    )
    pool = await open_pool(settings, application_name="test")
    async with transaction(pool):
        with pytest.raises(DatabaseUnavailable):
            async with transaction(pool):
                pass
        with pytest.raises(TimeoutError):
            await pool.fetchval("SELECT 1")
    assert await pool.fetchval("SELECT 1") == 1
    await pool.close()


async def test_a_connection_goes_back_clean(settings_for: SettingsFor) -> None:
    """What one user left on a connection, the next one does not find."""
    settings = msgspec.structs.replace(settings_for("gateway"), database_pool_size=1)
    pool = await open_pool(settings, application_name="test")
    async with as_account(pool, uuid.uuid4(), search_path="pg_catalog") as connection:
        pid = connection.get_server_pid()
        assert await connection.fetchval("SELECT public.app_account_id()") is not None
    async with borrowed(pool) as connection:
        assert connection.get_server_pid() == pid
        assert await connection.fetchval("SELECT public.app_account_id()") is None
        assert await connection.fetchval("SHOW search_path") == '"$user", public'
        await connection.execute("BEGIN")
    async with borrowed(pool) as connection:
        assert connection.get_server_pid() == pid
        assert not connection.is_in_transaction()
    await pool.close()


async def test_a_slow_statement_ends(settings_for: SettingsFor) -> None:
    """A statement beyond its time is given up as unavailable, and the pool goes on."""
    settings = msgspec.structs.replace(
        settings_for("gateway"), database_pool_size=1, database_command_timeout_seconds=0.2
    )
    pool = await open_pool(settings, application_name="test")
    with pytest.raises(DatabaseUnavailable):
        async with transaction(pool) as connection:
            await connection.execute("SELECT pg_sleep(30)")
    async with transaction(pool) as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await pool.close()


async def test_a_lost_connection_is_unavailable_then_replaced(
    settings: Settings, settings_for: SettingsFor
) -> None:
    """A connection that the server ends is reported as unavailable; the next one is a new one."""
    pool = await open_pool(
        msgspec.structs.replace(settings_for("gateway"), database_pool_size=1),
        application_name="test",
    )
    owner = await asyncpg.connect(settings.database_url)
    pid = await pool.fetchval("SELECT pg_backend_pid()")

    async def lose() -> None:
        async with transaction(pool) as connection:
            assert await owner.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
            await connection.fetchval("SELECT 1")

    with pytest.raises(DatabaseUnavailable):
        await lose()
    async with transaction(pool) as connection:
        assert await connection.fetchval("SELECT pg_backend_pid()") != pid
    await owner.close()
    await pool.close()


async def test_a_connection_that_was_told_of_its_end_is_not_used_again(
    settings: Settings, settings_for: SettingsFor
) -> None:
    """When the server's farewell has come and the end of the stream has not, it is unavailable."""
    async with deaf_to_the_end(settings_for("gateway")) as (behind_proxy, told):
        pool = await open_pool(behind_proxy, application_name="test")
        owner = await asyncpg.connect(settings.database_url)
        pid = await pool.fetchval("SELECT pg_backend_pid()")
        assert await owner.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
        await told.wait()
        await asyncio.sleep(0)  # the farewell is with the client now
        with pytest.raises(DatabaseUnavailable):
            async with transaction(pool) as connection:
                await connection.fetchval("SELECT 1")
        async with transaction(pool) as connection:
            assert await connection.fetchval("SELECT pg_backend_pid()") != pid
        await owner.close()
        pool.terminate()  # a polite end would wait for the server's


@asynccontextmanager
async def deaf_to_the_end(settings: Settings) -> AsyncIterator[tuple[Settings, asyncio.Event]]:
    """A proxy that passes all bytes on but not the server's end; the event tells of that end."""
    url = urlsplit(settings.database_url or "")
    ended, writers = asyncio.Event(), list[asyncio.StreamWriter]()

    async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(url.hostname, url.port)
        writers.extend((writer, to_server))
        asking = asyncio.create_task(pass_on(reader, to_server))
        await pass_on(from_server, writer)
        ended.set()
        await asking

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    netloc = f"{url.username}:{url.password}@127.0.0.1:{port}"
    through = url._replace(netloc=netloc).geturl()
    try:
        yield msgspec.structs.replace(settings, database_url=through, database_pool_size=1), ended
    finally:
        server.close()
        for writer in writers:
            writer.close()


async def test_mistakes_stay_themselves(settings_for: SettingsFor) -> None:
    """A wrong statement and the caller's own exception are not dressed up as unavailability."""
    pool = await open_pool(settings_for("gateway"), application_name="test")
    with pytest.raises(asyncpg.UndefinedTableError):
        async with transaction(pool) as connection:
            await connection.execute("SELECT * FROM nowhere")
    with pytest.raises(KeyError):
        async with transaction(pool):
            raise KeyError
    with pytest.raises(asyncpg.InterfaceError):
        async with transaction(pool) as connection:
            await connection.fetchval("SELECT $1::int", 1, 2)
    await pool.close()


async def test_identity_is_gone_from_a_pooled_connection(settings_for: SettingsFor) -> None:
    """The one connection of a pool carries no account's identity to its next user (threat 39)."""
    settings = msgspec.structs.replace(settings_for("gateway"), database_pool_size=1)
    pool = await open_pool(settings, application_name="test")
    account_id = uuid.uuid4()
    async with as_account(pool, account_id) as connection:
        assert await connection.fetchval("SELECT app_account_id()") == account_id
    async with transaction(pool) as connection:
        assert await connection.fetchval("SELECT app_account_id()") is None
    await pool.close()


async def test_processes_have_least_privilege(settings_for: SettingsFor) -> None:
    """Every process's own login passes the check of its rights."""
    for process in PROCESSES:
        pool = await open_pool(settings_for(process), application_name="test")
        await assert_least_privilege(pool)
        await pool.close()


async def test_owner_is_refused(settings: Settings) -> None:
    """The owner's connection is refused, and the sentence names the role and why."""
    pool = await open_pool(settings, application_name="test")
    with pytest.raises(StartError, match=r"superuser.*row-level security"):
        await assert_least_privilege(pool)
    await pool.close()


async def test_owning_tables_is_refused_unless_allowed(settings_for: SettingsFor) -> None:
    """A role that owns tables is refused; the projector may, but not in `public`."""
    pool = await open_pool(settings_for("projector"), application_name="test")
    async with transaction(pool) as connection:
        await connection.execute("CREATE SCHEMA read_v1 CREATE TABLE pictures (id int)")
    with pytest.raises(StartError, match=r"owns the table read_v1\.pictures"):
        await assert_least_privilege(pool)
    await assert_least_privilege(pool, may_own_tables=True)
    await pool.close()


@pytest.mark.parametrize("right", ["BYPASSRLS", "CREATEROLE"])
async def test_reachable_rights_are_refused(settings: Settings, right: str) -> None:
    """A role is refused also for what it could become by SET ROLE."""
    owner = await asyncpg.connect(settings.database_url)
    powerful, modest = f"p{uuid.uuid4().hex}", f"m{uuid.uuid4().hex}"
    await owner.execute(f"CREATE ROLE {powerful} {right}")
    await owner.execute(f"CREATE ROLE {modest} LOGIN PASSWORD 'x' NOINHERIT IN ROLE {powerful}")
    assert settings.database_url is not None
    address = settings.database_url.rpartition("@")[2]
    url = f"postgresql://{modest}:x@{address}"
    pool = await open_pool(
        msgspec.structs.replace(settings, database_url=url), application_name="test"
    )
    with pytest.raises(StartError, match=modest):
        await assert_least_privilege(pool)
    await pool.close()
    await owner.execute(f"DROP ROLE {modest}; DROP ROLE {powerful}")
    await owner.close()


async def test_concurrent_accounts_share_a_pool(settings_for: SettingsFor) -> None:
    """Many accounts at once over few connections each are themselves and nobody else."""
    settings = msgspec.structs.replace(settings_for("gateway"), database_pool_size=3)
    pool = await open_pool(settings, application_name="test")

    async def who(account_id: uuid.UUID) -> None:
        async with as_account(pool, account_id) as connection:
            assert await connection.fetchval("SELECT app_account_id()") == account_id

    await asyncio.gather(*(who(uuid.uuid4()) for _ in range(60)))
    await pool.close()


@pytest.fixture
def unused_tcp_port_url(unused_tcp_port: int) -> str:
    return f"postgresql://nobody:none@127.0.0.1:{unused_tcp_port}/none"
