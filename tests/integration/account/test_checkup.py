"""`pixelpop doctor` about accounts: what the log says must agree with the identities."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest

from processors.eraser import checkup
from processors.eraser.checkup import accounts
from runtime.diagnosis import Check, Scene
from runtime.preparing import Plan
from tests.integration.account.eyes import rows, until_finished
from tests.integration.gateway.world import Person, World


async def look(world: World, url: str | None = None) -> list[Check]:
    reachable = msgspec.structs.replace(
        world.settings, database_url=url or world.database.owner_url
    )
    return await accounts(Scene(reachable, Plan(Path(), []), None, reachable, ""))


async def test_a_live_account_without_an_identity_is_found(world: World, person: Person) -> None:
    """Somebody whose row was lost can sign in no more: the doctor names the account."""
    assert [check.state for check in await look(world) if person.account_id in check.said] == []
    owner = await asyncpg.connect(world.database.owner_url)
    try:
        await owner.execute("DELETE FROM identities WHERE account_id = $1", UUID(person.account_id))
    finally:
        await owner.close()
    found = [check for check in await look(world) if "have no identity" in check.said]
    assert [check.state for check in found] == ["fail"]
    assert found[0].todo is not None


async def test_an_erased_account_with_an_identity_is_found(
    world: World, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An identity that an old backup brought back is a fault until the eraser has seen it."""
    monkeypatch.setattr(checkup, "ERASED_SECONDS", -60.0)
    account = UUID(person.account_id)
    (row,) = await rows(world, "SELECT * FROM identities WHERE account_id = $1", account)
    await person.delete("/me")
    await until_finished(world, person.account_id)
    assert not [check for check in await look(world) if "have an identity" in check.said]
    owner = await asyncpg.connect(world.database.owner_url)
    try:
        await owner.execute(
            "INSERT INTO identities (account_id, wrapped_key, master_key_id) VALUES ($1, $2, $3)",
            account,
            row["wrapped_key"],
            row["master_key_id"],
        )
        (found,) = [check for check in await look(world) if "have an identity" in check.said]
        assert (found.state, person.account_id in found.said) == ("fail", True)
    finally:
        await owner.execute("DELETE FROM identities WHERE account_id = $1", account)
        await owner.close()


async def test_who_cannot_see_all_says_so(world: World) -> None:
    """A role that row-level security binds gets a warning, no all-clear; the eraser's sees."""
    (hidden,) = await look(world, world.database.urls["gateway"])
    assert hidden.state in {"warn", "fail"}
    seen = await look(world, world.database.urls["eraser"])
    assert not any("hides" in check.said for check in seen)
