"""Behind a transaction-mode pooler: identities stay apart, statements do not break."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from runtime.postgres.pool import Pool, as_account, open_pool, transaction
from runtime.settings import Settings
from tests.fakes.transaction_pooler import TransactionPooler, transaction_pooler

SERVERS = 2
ACCOUNTS = 8
ROUNDS = 12


@pytest_asyncio.fixture(loop_scope="session")
async def pooler(settings_for: Callable[[str], Settings]) -> AsyncIterator[TransactionPooler]:
    url = settings_for("gateway").database_url
    assert url is not None
    async with transaction_pooler(url, servers_max=SERVERS) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def pool(pooler: TransactionPooler, settings: Settings) -> AsyncIterator[Pool]:
    through = msgspec.structs.replace(
        settings, database_url=pooler.url, database_pooler="transaction", database_pool_size=6
    )
    pool = await open_pool(through, application_name="test gateway")
    yield pool
    await pool.close()


async def sign_in(pool: Pool, subject: str) -> uuid.UUID:
    row = await pool.fetchrow(
        "SELECT * FROM sign_in('telegram', $1, $2, $3, $4, '00112233aabbccdd')",
        subject,
        os.urandom(32),
        uuid.uuid4(),
        os.urandom(69),
    )
    found: uuid.UUID = row["account_id"]
    return found


async def test_accounts_never_see_each_other(pool: Pool, pooler: TransactionPooler) -> None:
    """Interleaved transactions over shared server connections see their own account's row only."""
    accounts = await asyncio.gather(*(sign_in(pool, str(n)) for n in range(ACCOUNTS)))

    async def look(account_id: uuid.UUID) -> None:
        for _ in range(ROUNDS):
            async with as_account(pool, account_id) as connection:
                await asyncio.sleep(0)  # let the others in between
                seen = await connection.fetch("SELECT account_id FROM identities")
                assert [row["account_id"] for row in seen] == [account_id]
                assert await connection.fetchval("SELECT app_account_id()") == account_id
            async with transaction(pool) as connection:
                assert await connection.fetchval("SELECT count(*) FROM identities") == 0

    await asyncio.gather(*(look(account_id) for account_id in accounts))
    assert pooler.connected == SERVERS
    assert len(pooler.clients) > SERVERS
    # The claim is empty unless clients did change servers and servers did change clients.
    assert any(len(set(client.history)) > 1 for client in pooler.clients)


async def test_identity_ends_with_a_failed_transaction(pool: Pool) -> None:
    """A transaction that fails leaves no identity on the server connection that it ran on."""
    account_id = await sign_in(pool, "fails")
    for _ in range(SERVERS * 2):
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with as_account(pool, account_id) as connection:
                await connection.execute("SELECT 1 / 0")
    for _ in range(SERVERS * 2):
        assert await pool.fetchval("SELECT app_account_id()") is None


async def test_statements_do_not_break(pool: Pool, pooler: TransactionPooler) -> None:
    """One statement repeated in and outside of transactions works on every server connection."""
    query = "SELECT $1::int + 1"

    async def ask(number: int) -> None:
        assert await pool.fetchval(query, number) == number + 1
        async with transaction(pool) as connection:
            assert await connection.fetchval(query, number) == number + 1
            rows = await connection.fetch(
                "SELECT unnest($1::uuid[]) AS one", [uuid.UUID(int=number)]
            )
            assert rows[0]["one"].int == number

    await asyncio.gather(*(ask(number) for number in range(60)))
    assert len({number for client in pooler.clients for number in client.history}) == SERVERS


async def test_copy_and_batches_pass(pool: Pool) -> None:
    """COPY and executemany work through the pooler, whole and in one transaction."""
    async with transaction(pool) as connection:
        await connection.execute("CREATE TEMPORARY TABLE t (n int, u uuid) ON COMMIT DROP")
        rows = [(n, uuid.uuid4()) for n in range(2000)]
        await connection.copy_records_to_table("t", records=rows)
        await connection.executemany("INSERT INTO t VALUES ($1, $2)", rows)
        assert await connection.fetchval("SELECT count(*) FROM t") == 4000


async def test_search_path_ends_with_its_transaction(pool: Pool) -> None:
    """A transaction's search path is not there for the next one on any server connection."""
    async with transaction(pool, search_path="pg_catalog") as connection:
        assert await connection.fetchval("SHOW search_path") == "pg_catalog"
    for _ in range(SERVERS * 2):
        assert await pool.fetchval("SHOW search_path") == '"$user", public'


async def test_sessions_are_refused(pool: Pool) -> None:
    """What needs a session says so at once instead of breaking now and then."""
    async with pool.acquire() as connection:
        with pytest.raises(NotImplementedError, match="session"):
            await connection.prepare("SELECT 1")
        with pytest.raises(NotImplementedError, match="session"):
            await connection.add_listener("news", print)


async def test_the_fake_breaks_named_statements(pooler: TransactionPooler) -> None:
    """The fake is a true one: a client that names its statements does break behind it."""
    one = await asyncpg.connect(pooler.url)
    two = await asyncpg.connect(pooler.url)
    try:
        assert await one.fetchval("SELECT $1::int", 1) == 1
        with pytest.raises(asyncpg.InvalidSQLStatementNameError):
            await one.fetchval("SELECT $1::int", 1)  # now on the other server connection
    finally:
        one.terminate()
        two.terminate()


async def test_the_fake_leaks_session_settings(pooler: TransactionPooler) -> None:
    """The fake is a true one: a setting for the session is seen by another client behind it."""
    one = await asyncpg.connect(pooler.url, statement_cache_size=0)
    two = await asyncpg.connect(pooler.url, statement_cache_size=0)
    try:
        await one.execute(f"SELECT set_config('app.account_id', '{uuid.uuid4()}', false)")
        seen = [await two.fetchval("SELECT app_account_id()") for _ in range(SERVERS)]
        assert any(seen)
    finally:
        one.terminate()
        two.terminate()
