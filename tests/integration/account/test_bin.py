"""The bin is emptied: what nobody took back in time loses its bytes, and nothing else does."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from processors.eraser.bins import KEPT_MS
from runtime.waiting import until
from tests.integration.account.eyes import rows
from tests.integration.gateway.world import Person, World

LONG_AGO = """
WITH again AS (UPDATE bin_cursor SET emptied_until_ms = 0)
UPDATE read_v1.{table} SET deleted_at_ms = deleted_at_ms - $1
WHERE account_id = $2 AND deleted_at_ms IS NOT NULL
"""


async def made(world: World, person: Person, count: int = 1) -> str:
    """A generation whose pictures are stored."""
    generation: str = (await person.ask(count=count)).json()["id"]
    await world.complete(person, generation, count)

    async def done() -> bool:
        return bool((await person.get(f"/generations/{generation}")).json()["status"] == "done")

    await until(done, 20, what="the pictures")
    return generation


async def stored(world: World, person: Person, generation: str) -> set[str]:
    """Names of a generation's objects."""
    prefix = f"generations/{person.account_id}/{generation}/"
    return {key.removeprefix(prefix) for key in await world.objects.list(prefix)}


async def test_what_is_not_taken_back_goes(world: World, person: Person) -> None:
    """After 31 days the bytes of a picture, or of all of a generation, are deleted; others stay."""
    one, whole, taken_back = [await made(world, person, count) for count in (2, 1, 1)]
    shown = (await person.get(f"/generations/{one}")).json()["images"]
    before = await stored(world, person, one)
    for path in (
        f"/images/{shown[0]['id']}",
        f"/generations/{whole}",
        f"/generations/{taken_back}",
    ):
        assert (await person.delete(path)).status_code < 300
    assert (await person.post(f"/generations/{taken_back}/restore")).status_code < 300

    async def in_bin() -> bool:
        query = "SELECT deleted_at_ms FROM read.{} WHERE account_id = $1 AND deleted_at_ms > 0"
        found = [
            await rows(world, query.format(table), UUID(person.account_id))
            for table in ("generations", "images")
        ]
        return [len(each) for each in found] == [1, 1]

    await until(in_bin, 20, what="the bin to be known")
    assert await stored(world, person, whole)
    connection = await asyncpg.connect(world.database.owner_url)
    try:
        for table in ("generations", "images"):
            later = KEPT_MS + 60_000
            statement = LONG_AGO.format(table=table)
            await connection.execute(statement, later, UUID(person.account_id))
    finally:
        await connection.close()

    async def gone() -> bool:
        left = await stored(world, person, one)
        return not await stored(world, person, whole) and len(left) == len(before) // 2

    await until(gone, 20, what="the bin to be emptied")
    kept = {key.partition(".")[0].partition("-")[0] for key in await stored(world, person, one)}
    assert len(kept) == 1
    assert await stored(world, person, taken_back)
    document = (await person.get(f"/generations/{whole}")).json()
    assert (document["status"], document["images"]) == ("done", [])
    late = await person.post(f"/generations/{whole}/restore")
    assert late.status_code == 410
    assert late.json()["type"].endswith("/gone-from-bin")
