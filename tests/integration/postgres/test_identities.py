"""Signing in: one account per outside identity, one welcome for ever, rows for their owner only."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
import pytest_asyncio

from runtime.crypto.keys import AccountKeys, KeyDestroyed, new_account_key, wrap
from runtime.crypto.master import identity_mark, master_keys
from runtime.postgres.account_keys import wrapped_key_loader
from runtime.postgres.pool import Pool, as_account, open_pool, transaction
from runtime.settings import Settings
from tests.servers import Database

SIGN_IN = "SELECT * FROM sign_in($1, $2, $3, $4, $5, $6)"


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(settings_for: Callable[[str], Settings]) -> AsyncIterator[Pool]:
    pool = await open_pool(settings_for("gateway"), application_name="test gateway")
    yield pool
    await pool.close()


@pytest_asyncio.fixture(loop_scope="session")
async def admin(fresh_database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Whoever runs the servers: sees everything, for setting up and checking."""
    connection = await asyncpg.connect(fresh_database.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
def sign_in(gateway: Pool, settings: Settings) -> Callable[[str], object]:
    masters = master_keys(settings)

    async def of(subject: str) -> asyncpg.Record:
        account_id = uuid.uuid4()
        async with transaction(gateway) as connection:
            return await connection.fetchrow(
                SIGN_IN,
                "telegram",
                subject,
                identity_mark(masters, "telegram", subject),
                account_id,
                wrap(masters.current, new_account_key(), account_id),
                masters.current.id,
            )

    return of


async def test_first_sign_in_makes_the_account(sign_in) -> None:
    """The first sign-in takes the offered id and key; the next one finds them again."""
    first = await sign_in("1")
    assert (first["newly_made"], first["registered"], first["welcome"]) == (True, False, True)
    assert (first["banned"], first["owes"]) == (False, 0)
    again = await sign_in("1")
    assert again["newly_made"] is False
    assert (again["account_id"], again["wrapped_key"]) == (
        first["account_id"],
        first["wrapped_key"],
    )
    assert again["welcome"] is True


async def test_sign_ins_at_once_make_one_account(sign_in) -> None:
    """Of many first sign-ins of one person at once exactly one makes the account."""
    rows = await asyncio.gather(*(sign_in("2") for _ in range(12)))
    assert len({row["account_id"] for row in rows}) == 1
    assert sum(row["newly_made"] for row in rows) == 1


async def test_no_second_welcome_after_erasure(sign_in, admin) -> None:
    """Who was erased and signs in again gets another account and no second welcome grant."""
    first = await sign_in("3")
    await admin.execute("DELETE FROM identities WHERE account_id = $1", first["account_id"])
    second = await sign_in("3")
    assert second["newly_made"] is True
    assert second["account_id"] != first["account_id"]
    assert second["welcome"] is False
    assert (await sign_in("3"))["welcome"] is False


async def test_ban_survives_erasure(sign_in, admin, settings) -> None:
    """Who was banned, then erased, gets no new account and is told so."""
    first = await sign_in("4")
    mark = identity_mark(master_keys(settings), "telegram", "4")
    await admin.execute("UPDATE identity_marks SET banned = true, owes = 7 WHERE mark = $1", mark)
    known = await sign_in("4")
    assert (known["banned"], known["owes"]) == (True, 7)
    assert known["account_id"] == first["account_id"]
    await admin.execute("DELETE FROM identities WHERE account_id = $1", first["account_id"])
    refused = await sign_in("4")
    assert (refused["banned"], refused["account_id"], refused["newly_made"]) == (True, None, False)
    assert await admin.fetchval("SELECT count(*) FROM identities") == 0


async def test_rows_for_their_account_only(sign_in, gateway) -> None:
    """The gateway sees and marks the row of the account it acts for, and no row without one."""
    mine, other = await sign_in("5"), await sign_in("6")
    async with as_account(gateway, mine["account_id"]) as connection:
        rows = await connection.fetch("SELECT account_id FROM identities")
        assert [row["account_id"] for row in rows] == [mine["account_id"]]
        changed = await connection.execute("UPDATE identities SET registered_at = now()")
        assert changed == "UPDATE 1"
    assert await gateway.fetchval("SELECT count(*) FROM identities") == 0
    assert (await sign_in("5"))["registered"] is True
    assert (await sign_in("6"))["registered"] is False
    assert other["account_id"] != mine["account_id"]


async def test_malformed_identity_setting_shows_nothing(gateway) -> None:
    """An account id that is none is an error, not somebody's rows."""
    async with transaction(gateway) as connection:
        await connection.execute("SELECT set_config('app.account_id', 'everybody', true)")
        with pytest.raises(asyncpg.InvalidTextRepresentationError):
            await connection.fetch("SELECT * FROM identities")


async def test_function_ignores_the_callers_search_path(gateway) -> None:
    """A caller's own objects cannot stand in for those that sign_in() uses."""
    async with transaction(gateway) as connection:
        await connection.execute("CREATE TEMPORARY TABLE identities (account_id uuid)")
        row = await connection.fetchrow(
            "SELECT * FROM public.sign_in('telegram', '8', $1, $2, $3, '00112233aabbccdd')",
            os.urandom(32),
            uuid.uuid4(),
            os.urandom(69),
        )
        assert row["newly_made"] is True
        assert await connection.fetchval("SELECT count(*) FROM pg_temp.identities") == 0


async def test_key_opens_for_worker_and_webhooks(sign_in, settings, settings_for) -> None:
    """Who unseals loads and opens the account's key; once it is erased it is destroyed."""
    row = await sign_in("9")
    worker = await open_pool(settings_for("worker"), application_name="test worker")
    masters = master_keys(settings)
    webhooks = await open_pool(settings_for("webhooks"), application_name="test webhooks")
    one = await AccountKeys(wrapped_key_loader(webhooks), masters).get(row["account_id"])
    two = await AccountKeys(wrapped_key_loader(worker), masters).get(row["account_id"])
    assert one == two
    with pytest.raises(KeyDestroyed):
        await AccountKeys(wrapped_key_loader(worker), masters).get(uuid.uuid4())
    await worker.close()
    await webhooks.close()


@pytest.mark.parametrize(
    ("field", "value"),
    [(0, "Telegram"), (1, ""), (2, b"short"), (4, b"short"), (5, "not-hex")],
)
async def test_nonsense_is_not_stored(gateway, field: int, value: object) -> None:
    """What cannot be a provider, subject, mark, key or key id is refused by the tables."""
    given: list[object] = [
        "telegram",
        "10",
        os.urandom(32),
        uuid.uuid4(),
        os.urandom(69),
        "00112233aabbccdd",
    ]
    given[field] = value
    with pytest.raises(asyncpg.CheckViolationError):
        await gateway.fetchrow(SIGN_IN, *given)
