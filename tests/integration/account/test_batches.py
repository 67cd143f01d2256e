"""Batches of an account: told in its export, and gone with it."""

from __future__ import annotations

import json
from uuid import UUID

from tests.integration.account.eyes import rows, until_finished
from tests.integration.account.test_export import exported
from tests.integration.gateway.test_batches import ask, decided
from tests.integration.gateway.world import PIXEL, Person, World


async def test_export_and_erasure(world: World, person: Person) -> None:
    """An export names the batch of each generation; nothing of it is left after the erasure."""
    batch = await decided(person, (await ask(person, "b")).json()["id"])
    first = batch["items"][0]["id"]
    await world.complete(person, first)
    alone = (await person.ask()).json()["id"]
    _, files = await exported(person)
    told = {one["generation_id"]: one for one in json.loads(files["generations/00001.json"])}
    assert [told[one["id"]]["prompt"] for one in batch["items"]] == ["a cat", "a dog", "a pig"]
    assert {told[one["id"]]["batch_id"] for one in batch["items"]} == {batch["id"]}
    assert told[alone]["batch_id"] is None
    assert files[f"images/{first}/0.png"] == PIXEL
    await person.delete("/me")
    await until_finished(world, person.account_id)
    account = UUID(person.account_id)
    for table in ("read.batches", "read.batch_items", "read.generations"):
        assert not await rows(world, f"SELECT 1 FROM {table} WHERE account_id = $1", account), table
    assert await world.objects.list(f"generations/{person.account_id}/") == []
