"""Photos of an account: removed when nobody uses them, with the account, and in its export."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from runtime.waiting import until
from tests.integration.account.eyes import rows, until_finished
from tests.integration.account.test_export import exported
from tests.integration.gateway.sending import form_for, post_form, sent
from tests.integration.gateway.world import Person, World
from tests.unit.uploads import photos

EARLIER = "UPDATE uploads SET {} = now() - interval '1 hour' WHERE upload_id = $1"


async def change(world: World, statement: str, upload_id: str) -> None:
    """As time does."""
    connection = await asyncpg.connect(world.database.owner_url)
    try:
        await connection.execute(statement, UUID(upload_id))
    finally:
        await connection.close()


async def objects_of(world: World, person: Person) -> list[str]:
    """What is stored of a person's photos."""
    found = []
    for prefix in ("incoming", "uploads"):
        found += await world.objects.list(f"{prefix}/{person.account_id}/")
    return found


async def test_what_nobody_used_goes(world: World, person: Person) -> None:
    """A photo whose time is over goes with its row and objects, finished or not; others stay."""
    kept = (await sent(person, photos.jpeg()))["id"]
    gone = (await sent(person, photos.jpeg()))["id"]
    unfinished = await form_for(person, photos.jpeg())
    await post_form(unfinished, photos.jpeg())
    assert len(await objects_of(world, person)) == 3
    for one in (gone, unfinished["upload_id"]):
        await change(world, EARLIER.format("expires_at"), one)
    assert (await person.get(f"/uploads/{gone}")).status_code in {404, 410}

    async def swept() -> bool:
        found = await rows(
            world, "SELECT upload_id FROM uploads WHERE account_id = $1", UUID(person.account_id)
        )
        return [str(row["upload_id"]) for row in found] == [kept]

    await until(swept, 20, what="the photos to be removed")
    assert await objects_of(world, person) == [f"uploads/{person.account_id}/{kept}.webp"]
    asked = await person.ask(kind="edit", prompt="snow", upload_ids=[gone])
    assert asked.status_code == 404


async def test_what_came_after_it_was_looked_at_goes(world: World, person: Person) -> None:
    """Once its form is over, what was sent by it again is removed; the photo stays."""
    form = await form_for(person, photos.jpeg())
    await post_form(form, photos.jpeg())
    assert (await person.post(f"/uploads/{form['upload_id']}/complete")).status_code == 200
    await post_form(form, photos.jpeg())
    assert len(await objects_of(world, person)) == 2
    await change(world, EARLIER.format("form_until"), form["upload_id"])

    async def removed() -> bool:
        return len(await objects_of(world, person)) == 1

    await until(removed, 20, what="what came late to be removed")
    assert (await person.get(f"/uploads/{form['upload_id']}")).json()["status"] == "ready"


async def test_export_and_erasure(world: World, person: Person) -> None:
    """The export holds the photos that are kept; the erasure removes rows and objects."""
    upload_id = (await sent(person, photos.jpeg()))["id"]
    await post_form(await form_for(person, photos.jpeg()), photos.jpeg())
    _, files = await exported(person)
    assert upload_id in files["uploads.json"].decode()
    picture = files[f"uploads/{upload_id}.webp"]
    assert picture == await world.objects.get(f"uploads/{person.account_id}/{upload_id}.webp")
    await person.delete("/me")
    await until_finished(world, person.account_id)
    account = UUID(person.account_id)
    assert not await rows(world, "SELECT 1 FROM uploads WHERE account_id = $1", account)
    assert await objects_of(world, person) == []
