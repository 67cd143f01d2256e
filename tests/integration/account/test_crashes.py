"""An erasure survives a crash at any step, and an old backup of PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from events.accounts import AccountErased
from events.ids import fact_id
from processors.eraser import erasing
from processors.eraser.erasing import Eraser
from runtime.objects import MemoryObjects
from runtime.postgres.pool import Pool, open_pool, transaction
from runtime.settings import Settings
from runtime.waiting import until
from tests.integration.account.eyes import erasure, rows, until_finished
from tests.integration.gateway.world import Person, World
from tests.servers import Database

MARK = bytes(32)
COPIED = ("identities", "identity_links", "identity_marks")


class CrashError(Exception):
    """The process ends here."""


class Steps:
    """Lets so many steps happen and crashes at the next one: before it, or after it was done."""

    def __init__(self) -> None:
        self.left: float = float("inf")

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise CrashError


class CrashingObjects(MemoryObjects):
    def __init__(self, steps: Steps) -> None:
        super().__init__()
        self._steps = steps

    async def delete_prefix(self, prefix: str) -> int:
        self._steps.step()
        deleted = await super().delete_prefix(prefix)
        self._steps.step()
        return deleted


async def _somebody(owner: asyncpg.Connection, objects: MemoryObjects) -> UUID:
    account = uuid4()
    await owner.execute(
        "INSERT INTO identities (account_id, wrapped_key, master_key_id) VALUES ($1, $2, $3)",
        account,
        bytes(69),
        "0" * 16,
    )
    mark = account.bytes * 2
    await owner.execute(
        "INSERT INTO identity_marks (mark, account_id) VALUES ($1, $2)", mark, account
    )
    await owner.execute(
        "INSERT INTO provider_calls (generation_id, attempt, account_id, state, provider) "
        "VALUES ($1, 1, $2, 'reported', 'local')",
        uuid4(),
        account,
    )
    for prefix in erasing.OBJECT_PREFIXES:
        await objects.put_if_absent(f"{prefix}/{account}/x/0.png", b"canary", "image/png")
    return account


async def _traces(owner: asyncpg.Connection, account: UUID) -> int:
    found = 0
    for table in ("identities", "provider_calls", "exports"):
        query = f"SELECT count(*) FROM {table} WHERE account_id = $1"
        found += await owner.fetchval(query, account)
    return found


async def test_a_crash_at_any_step_is_finished_by_the_next_run(
    fresh_database: Database, settings_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the eraser ends, starting it again leaves the same nothing behind."""
    steps = Steps()

    @asynccontextmanager
    async def crashing(its_pool: Pool) -> AsyncIterator[Any]:
        if its_pool is not pool:  # the world's own eraser, which goes on beside this one
            async with transaction(its_pool) as connection:
                yield connection
            return
        steps.step()
        async with transaction(pool) as connection:
            yield connection
            steps.step()  # in a transaction that is rolled back
        steps.step()  # after one that was committed

    monkeypatch.setattr(erasing, "transaction", crashing)
    owner = await asyncpg.connect(fresh_database.owner_url)
    pool = await open_pool(settings_for("eraser"), application_name="test")
    crashes = 0
    try:
        for step in itertools.count():
            objects = CrashingObjects(steps)
            account = await _somebody(owner, objects)
            steps.left = step
            try:
                await _run(pool, objects, account)
            except CrashError:
                crashes += 1
            else:
                break
            steps.left = float("inf")
            await _run(pool, objects, account)
            assert await _traces(owner, account) == 0, step
            assert await objects.list("") == [], step
            done = "SELECT done_at IS NOT NULL AND marks = $2 FROM erasures WHERE account_id = $1"
            assert await owner.fetchval(done, account, [account.bytes * 2]), step
    finally:
        await pool.close()
        await owner.close()
    assert crashes > 10


async def _run(pool: Pool, objects: MemoryObjects, account: UUID) -> None:
    """What a start does: read the order in the log again, then take the steps that are due."""
    eraser = Eraser(pool, objects, sweep_again_seconds=-1)
    await eraser.destroy(account)
    while await eraser.sweep():
        pass


async def test_an_order_that_no_gateway_carried_out_is_carried_out(
    world: World, person: Person
) -> None:
    """A gateway that dies right after its append leaves the whole erasure to the eraser."""
    await person.ask(prompt="canary")
    await _order(world, person)
    await until_finished(world, person.account_id)
    assert (await person.get("/me")).status_code == 401


async def _order(world: World, person: Person) -> None:
    event = AccountErased(
        account_id=person.account_id, occurred_at_ms=world.clock.now_ms(), reason="user"
    )
    await world.append(event, fact_id(person.account_id, "erased"))


async def _copies(world: World, person: Person) -> dict[str, list[Any]]:
    account = UUID(person.account_id)
    return {
        table: await rows(world, f"SELECT * FROM {table} WHERE account_id = $1", account)
        for table in COPIED
    }


async def _put_back(owner: asyncpg.Connection, copies: dict[str, list[Any]]) -> None:
    for table, found in copies.items():
        for row in found:
            if table == "identity_marks":
                await owner.execute(
                    "UPDATE identity_marks SET account_id = $1 WHERE mark = $2",
                    row["account_id"],
                    row["mark"],
                )
                continue
            names = ", ".join(row.keys())
            places = ", ".join(f"${number + 1}" for number in range(len(row)))
            await owner.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *row.values())


async def test_a_restored_backup_is_noticed_and_its_keys_are_destroyed_again(
    world: World, person: Person
) -> None:
    """A PostgreSQL that is set back takes the cursor with it: what came since is erased again."""
    await person.ask(prompt="canary")
    copies = await _copies(world, person)
    assert all(copies.values())
    cursors = await rows(world, "SELECT * FROM eraser_cursors")
    await person.delete("/me")
    await until_finished(world, person.account_id)
    owner = await asyncpg.connect(world.database.owner_url)
    try:
        with capture_logs() as said:
            async with owner.transaction():
                await owner.execute("DELETE FROM erasures WHERE account_id = $1", copies_id(person))
                await _put_back(owner, copies)
                await owner.execute("DELETE FROM eraser_cursors")
                await owner.executemany(
                    "INSERT INTO eraser_cursors VALUES ($1, $2, $3)",
                    [tuple(row.values()) for row in cursors],
                )
            assert await rows(
                world, "SELECT 1 FROM identities WHERE account_id = $1", copies_id(person)
            )
            await until_finished(world, person.account_id)
    finally:
        await owner.close()
    assert any("set back" in line["event"] for line in said), said
    assert not await rows(
        world, "SELECT 1 FROM identities WHERE account_id = $1", copies_id(person)
    )
    assert (await person.get("/me")).status_code == 401


def copies_id(person: Person) -> UUID:
    return UUID(person.account_id)


async def test_a_table_restored_alone_is_noticed_too(
    world: World, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Identities that come back without the rest are found by what the log says of them."""
    monkeypatch.setattr(erasing, "RETURNED_SECONDS", -1.0)
    copies = await _copies(world, person)
    await person.delete("/me")
    await until_finished(world, person.account_id)
    first = await erasure(world, person.account_id)
    owner = await asyncpg.connect(world.database.owner_url)
    try:
        with capture_logs() as said:
            await _put_back(owner, copies)

            async def gone() -> bool:
                query = "SELECT 1 FROM identities WHERE account_id = $1"
                return not await rows(world, query, UUID(person.account_id))

            await until(gone, 20, what="the identity to be destroyed again")
            await until_finished(world, person.account_id)
    finally:
        await owner.close()
    assert any("there again" in line["event"] for line in said), said
    again = await erasure(world, person.account_id)
    assert again["erased_at"] > first["erased_at"]


async def test_a_cursor_of_another_log_is_not_believed(
    world: World, servers: Settings, settings_for: Any
) -> None:
    """A cursor whose hash is not in the log makes the eraser read all of it, and is said."""
    from processors.eraser.following import Following

    pool = await open_pool(settings_for("eraser"), application_name="test")
    try:
        async with transaction(pool) as connection:
            await connection.execute("INSERT INTO eraser_cursors VALUES (0, 1, 'another')")
        with capture_logs() as said:
            following = Following(
                servers, pool, Eraser(pool, MemoryObjects(), sweep_again_seconds=1)
            )
            starts = await following._starts()
    finally:
        await pool.close()
    assert starts["pixelpop.events.v1", 0] == 0
    assert any("does not fit" in line["event"] for line in said)
