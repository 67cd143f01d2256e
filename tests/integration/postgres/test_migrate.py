"""Migrations: once, in order, one start at a time, and clear about what is wrong."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from runtime.errors import StartError
from runtime.postgres import migrate as migrating
from runtime.postgres.errors import DatabaseUnavailable
from runtime.postgres.migrate import migrate
from runtime.postgres.roles import GROUPS, create_process_roles
from runtime.settings import Settings
from tests.fakes.transaction_pooler import transaction_pooler

OURS = Path(__file__).parents[3] / "deploy" / "migrations"


@pytest_asyncio.fixture(loop_scope="session")
async def empty_url(servers: Settings) -> AsyncIterator[str]:
    """The owner's address of a database that has nothing in it."""
    assert servers.database_url is not None
    owner = await asyncpg.connect(servers.database_url)
    name = f"empty_{uuid.uuid4().hex[:12]}"
    await owner.execute(f"CREATE DATABASE {name}")
    yield f"{servers.database_url.rpartition('/')[0]}/{name}"
    await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await owner.close()


def write(folder: Path, name: str, sql: str, *, depends: str = "", head: str = "") -> Path:
    file = folder / f"{name}.sql"
    file.write_text(
        f"-- Test\n-- depends: {depends}\n{head}\n-- migrate: apply\n{sql}\n-- migrate: rollback\n"
    )
    return file


async def fetchval(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_applied_once(empty_url: str) -> None:
    """The project's migrations apply to an empty database, and a second start applies nothing."""
    assert await migrate(empty_url, OURS) == sorted(file.stem for file in OURS.glob("*.sql"))
    assert await migrate(empty_url, OURS) == []


async def test_starts_at_once_do_not_race(empty_url: str) -> None:
    """Of several starts at once one applies everything and the others wait for it."""
    results = await asyncio.gather(*(migrate(empty_url, OURS) for _ in range(4)))
    assert sorted(len(result) for result in results)[:3] == [0, 0, 0]
    assert await fetchval(empty_url, "SELECT count(*) FROM provider_calls") == 0


async def test_databases_at_once_share_the_roles(servers: Settings) -> None:
    """Two databases of one server can be migrated at once although roles belong to the server."""
    assert servers.database_url is not None
    owner = await asyncpg.connect(servers.database_url)
    names = [f"twin_{uuid.uuid4().hex[:12]}" for _ in range(2)]
    for name in names:
        await owner.execute(f"CREATE DATABASE {name}")
    base = servers.database_url.rpartition("/")[0]
    await asyncio.gather(*(migrate(f"{base}/{name}", OURS) for name in names))
    for name in names:
        await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await owner.close()


async def test_through_a_transaction_pooler(empty_url: str) -> None:
    """Migrating works, and still excludes other starts, behind a transaction-mode pooler."""
    async with transaction_pooler(empty_url, servers_max=4) as pooler:
        results = await asyncio.gather(*(migrate(pooler.url, OURS) for _ in range(2)))
    assert sorted(map(bool, results)) == [False, True]


async def test_failure_names_file_and_reason(empty_url: str, tmp_path: Path) -> None:
    """A migration that fails is a StartError with file and reason; nothing of it stays."""
    write(tmp_path, "0001_good", "CREATE TABLE good (id int);")
    write(
        tmp_path,
        "0002_bad",
        "CREATE TABLE half (id int);\nALTER TABLE nowhere ADD COLUMN x int;",
        depends="0001_good",
    )
    with pytest.raises(StartError, match=r'0002_bad\.sql fails: relation "nowhere"'):
        await migrate(empty_url, tmp_path)
    assert await fetchval(empty_url, "SELECT to_regclass('good')") is not None
    assert await fetchval(empty_url, "SELECT to_regclass('half')") is None
    write(tmp_path, "0002_bad", "CREATE TABLE half (id int);", depends="0001_good")
    assert await migrate(empty_url, tmp_path) == ["0002_bad"]


async def test_changed_file_is_refused(empty_url: str, tmp_path: Path) -> None:
    """A file that was changed after it was applied stops the start and is named."""
    write(tmp_path, "0001_first", "CREATE TABLE first (id int);")
    await migrate(empty_url, tmp_path)
    write(tmp_path, "0001_first", "CREATE TABLE first (id bigint);")
    with pytest.raises(StartError, match=r"0001_first\.sql was changed after"):
        await migrate(empty_url, tmp_path)


async def test_file_changed_after_a_later_one_failed(empty_url: str, tmp_path: Path) -> None:
    """What was applied before a failure is remembered: changing it then is refused as well."""
    write(tmp_path, "0001_first", "CREATE TABLE first (id int);")
    write(tmp_path, "0002_bad", "SELECT nothing;", depends="0001_first")
    with pytest.raises(StartError, match="0002_bad"):
        await migrate(empty_url, tmp_path)
    write(tmp_path, "0001_first", "CREATE TABLE first (id bigint);")
    with pytest.raises(StartError, match=r"0001_first\.sql was changed after"):
        await migrate(empty_url, tmp_path)


async def test_older_program_is_refused(empty_url: str, tmp_path: Path) -> None:
    """A database that knows a migration which the program lacks is newer: the start stops."""
    write(tmp_path, "0001_first", "SELECT 1;")
    newer = write(tmp_path, "0002_second", "SELECT 1;", depends="0001_first")
    await migrate(empty_url, tmp_path)
    newer.unlink()
    with pytest.raises(StartError, match=r"0002_second.*older than the database"):
        await migrate(empty_url, tmp_path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELECT 1;", "migrate: apply"),
        ("-- Test\n-- migrate: apply\n-- migrate: rollback\n", "dep"),
    ],
)
async def test_unreadable_file_is_named(
    empty_url: str, tmp_path: Path, text: str, why: str
) -> None:
    """A file without the marks of a migration is named, with what it lacks."""
    (tmp_path / "0001_odd.sql").write_text(text)
    with pytest.raises(StartError, match=rf"0001_odd\.sql.*{why}"):
        await migrate(empty_url, tmp_path)


async def test_empty_folder_is_refused(empty_url: str, tmp_path: Path) -> None:
    """No migrations at all is a wrong path, not a finished job."""
    with pytest.raises(StartError, match="no migrations"):
        await migrate(empty_url, tmp_path)


async def test_concurrent_index_beside_a_waiting_start(empty_url: str, tmp_path: Path) -> None:
    """CREATE INDEX CONCURRENTLY ends although other starts wait for the lock."""
    write(tmp_path, "0001_table", "CREATE TABLE t (id int);")
    write(
        tmp_path,
        "0002_index",
        "CREATE INDEX CONCURRENTLY t_id ON t (id);",
        depends="0001_table",
        head="-- transaction: false",
    )
    results = await asyncio.gather(*(migrate(empty_url, tmp_path) for _ in range(3)))
    assert sum(map(len, results)) == 2


async def test_waiting_is_bounded(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that waits too long for another one gives up and says so."""
    write(tmp_path, "0001_first", "SELECT 1;")
    monkeypatch.setattr(migrating, "LOCK_WAIT_SECONDS", 0.2)
    other = await asyncpg.connect(empty_url)
    async with other.transaction():
        assert await other.fetchval(migrating._QUERIES.try_lock)
        with pytest.raises(DatabaseUnavailable, match="Another start"):
            await migrate(empty_url, tmp_path)
    await other.close()
    assert await migrate(empty_url, tmp_path) == ["0001_first"]


async def test_owner_without_superuser(servers: Settings) -> None:
    """A managed database's owner, no superuser but allowed to make roles, can do all of it."""
    assert servers.database_url is not None
    admin = await asyncpg.connect(servers.database_url)
    owner, database = f"o{uuid.uuid4().hex[:12]}", f"d{uuid.uuid4().hex[:12]}"
    await admin.execute(f"CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD 'x'")
    await admin.execute(f"CREATE DATABASE {database} OWNER {owner}")
    # The roles may exist from another test; who makes them has this right without being given it.
    for group in GROUPS:
        exists = await admin.fetchval(
            "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", group
        )
        if exists:
            grant = f"GRANT {group} TO {owner} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"
            await admin.execute(grant)
    address = servers.database_url.rpartition("@")[2].rpartition("/")[0]
    url = f"postgresql://{owner}:x@{address}/{database}"
    try:
        await migrate(url, OURS)
        urls = await create_process_roles(url, ["gateway"])
        gateway = await asyncpg.connect(urls["gateway"])
        row = await gateway.fetchrow(
            "SELECT * FROM sign_in('telegram', '7', $1, $2, $3, '00112233aabbccdd')",
            b"m" * 32,
            uuid.uuid4(),
            b"k" * 69,
        )
        assert row["newly_made"]
        await gateway.close()
        # FORCE ROW LEVEL SECURITY: not even the owner sees whose account it is.
        assert await fetchval(url, "SELECT count(*) FROM identities") == 0
    finally:
        await admin.execute(f"DROP DATABASE {database} WITH (FORCE)")
        await admin.execute(f"DROP ROLE IF EXISTS pixelpop_gateway_{database}")
        await admin.execute(f"DROP OWNED BY {owner} CASCADE; DROP ROLE {owner}")
        await admin.close()
