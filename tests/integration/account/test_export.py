"""`GET /me/export`: everything that is known, made in the background, fetched as zip files."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from events.ids import fact_id
from events.telegram import TelegramChatChanged
from runtime.waiting import until
from tests.integration.account.conftest import PART_BYTES
from tests.integration.account.eyes import rows
from tests.integration.gateway.world import PIXEL, Person, World

BLOCKED_MS = 1_767_225_600_000


async def exported(person: Person) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The finished export, and the content of all its files by name."""
    found: dict[str, Any] = {}

    async def done() -> bool:
        answer = await person.get("/me/export")
        assert answer.status_code in {200, 202}, answer.text
        found.update(answer.json())
        assert (answer.status_code == 200) == (found["status"] == "done")
        return answer.status_code == 200

    await until(done, 30, what="the export to be ready")
    files = {}
    async with httpx.AsyncClient() as client:
        for part in found["parts"]:
            content = (await client.get(part["url"])).content
            assert len(content) == part["size_bytes"]
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                assert archive.testzip() is None
                files |= {name: archive.read(name) for name in archive.namelist()}
    return found, files


async def test_all_that_is_known_is_in_it(world: World, person: Person) -> None:
    """Profile, sign-ins, words, pictures, purchases and the whole ledger are there in clear."""
    generation = (await person.ask(prompt="a lighthouse", count=2)).json()["id"]
    await world.complete(person, generation, count=2)
    await until(lambda: _done(person, generation), 10, what="the generation to be done")
    await until(lambda: _settled(person), 10, what="the generation to be settled")
    blocked = TelegramChatChanged(
        account_id=person.account_id, occurred_at_ms=BLOCKED_MS, reachable=False, update_id=1
    )
    await world.append(blocked, fact_id(person.account_id, "telegram:1"))
    await until(lambda: _blocked(person), 10, what="the blocked bot to show")
    assert (await person.post(f"/generations/{generation}/share", json={})).status_code == 201
    refused = (await person.ask(prompt="a decapitated man")).json()["generation_id"]
    await until(lambda: _appealed(person, refused), 10, what="the refusal to be appealed")
    document, files = await exported(person)
    assert document["progress_percent"] == 100
    assert document["expires_at"] > document["ready_at"]
    profile = json.loads(files["profile.json"])
    assert (profile["id"], profile["display_name"]) == (person.account_id, "Ada")
    assert profile["telegram"] == {"reachable": False, "changed_at": "2026-01-01T00:00:00.000Z"}
    (identity,) = json.loads(files["identities.json"])
    assert identity["subject_id"] == str(person.telegram_id)
    (told, _) = json.loads(files["generations/00001.json"])
    assert (told["prompt"], told["status"]) == ("a lighthouse", "done")
    assert [files[image["file"]] for image in told["images"]] == [PIXEL, PIXEL]
    ledger = json.loads(files["ledger.json"])
    assert [entry["type"] for entry in ledger] == [
        "CreditsGranted",
        "CreditsReserved",
        "CreditsSettled",
        "GenerationRejected",
    ]
    assert json.loads(files["purchases.json"]) == []
    (objected,) = json.loads(files["appeals.json"])
    assert (objected["generation_id"], objected["words"]) == (refused, "I protest.")
    assert {one["stage"] for one in json.loads(files["verdicts.json"])} == {"words"}
    (shared,) = json.loads(files["shares.json"])
    assert (shared["generation_id"], shared["shows_prompt"]) == (generation, False)


async def _done(person: Person, generation: str) -> bool:
    return (await person.get(f"/generations/{generation}")).json()["status"] == "done"


async def _appealed(person: Person, generation: str) -> bool:
    said = await person.post(f"/generations/{generation}/appeal", json={"words": "I protest."})
    return said.status_code == 201


async def _blocked(person: Person) -> bool:
    return (await person.get("/me")).json()["telegram"] is not None


async def _settled(person: Person) -> bool:
    return bool((await person.get("/credits")).json()["spent"])


async def test_a_second_call_tells_of_the_same(world: World, person: Person) -> None:
    """While one is on its way or can be fetched, nothing is begun anew."""
    first, _ = await exported(person)
    again, _ = await exported(person)
    assert again["id"] == first["id"]


async def test_nobody_elses_is_in_it(world: World, person: Person) -> None:
    """Threat 17: an export holds what belongs to who asks, and to nobody else."""
    other = await world.person()
    await other.ask(prompt="somebody else's secret")
    _, files = await exported(person)
    content = b"".join(files.values())
    assert other.account_id.encode() not in content
    assert b"somebody else" not in content
    assert (await world.client.get("/me/export")).status_code == 401


async def test_large_ones_come_in_parts(world: World, person: Person) -> None:
    """More than fits into one file comes in several, each of which opens by itself."""
    generation = (await person.ask(count=3)).json()["id"]
    prefix = f"generations/{person.account_id}/{generation}"
    for index in range(3):
        noise = bytes(range(256)) * 300
        await world.objects.put_if_absent(f"{prefix}/{index}.png", noise, "image/png")
    await world.complete(person, generation, count=3)
    await until(lambda: _done(person, generation), 10, what="the generation to be done")
    await until(lambda: _settled(person), 10, what="the generation to be settled")
    document, files = await exported(person)
    assert len(document["parts"]) > 1
    assert all(part["size_bytes"] <= PART_BYTES for part in document["parts"])
    assert sum(name.startswith("images/") for name in files) == 3


async def _begin_anew(world: World, person: Person) -> None:
    connection = await asyncpg.connect(world.database.owner_url)
    try:
        await connection.execute(
            "UPDATE exports SET expires_at = now() - interval '1 s' WHERE account_id = $1",
            UUID(person.account_id),
        )
    finally:
        await connection.close()


async def test_a_lost_makers_export_is_made_by_another(world: World, person: Person) -> None:
    """One that died in the middle leaves a claim that runs out, and files that go."""
    account = UUID(person.account_id)
    connection = await asyncpg.connect(world.database.owner_url)
    try:
        export_id = await connection.fetchval(
            "INSERT INTO exports (account_id, state, attempts, lease_epoch, lease_until) "
            "VALUES ($1, 'making', 1, 7, now() - interval '1 s') RETURNING export_id",
            account,
        )
    finally:
        await connection.close()
    left = f"exports/{account}/{export_id}/7-1.zip"
    await world.objects.put_if_absent(left, b"half", "application/zip")
    document, _ = await exported(person)
    assert document["id"] == str(export_id)
    assert await world.objects.get(left) is None


async def test_what_failed_for_good_leaves_no_files(world: World, person: Person) -> None:
    """An export that nobody asks for again does not lie in the store for ever, half made."""
    account = UUID(person.account_id)
    connection = await asyncpg.connect(world.database.owner_url)
    try:
        export_id = await connection.fetchval(
            "INSERT INTO exports (account_id, state, attempts, lease_epoch, lease_until) "
            "VALUES ($1, 'making', 5, 7, now() + interval '1 day') RETURNING export_id",
            account,
        )
        left = f"exports/{account}/{export_id}/7-1.zip"
        await world.objects.put_if_absent(left, b"half", "application/zip")
        await connection.execute(
            "UPDATE exports SET lease_until = now() - interval '1 s' WHERE account_id = $1", account
        )
    finally:
        await connection.close()

    async def gone() -> bool:
        query = "SELECT 1 FROM exports WHERE account_id = $1"
        return await world.objects.get(left) is None and not await rows(world, query, account)

    await until(gone, 20, what="the files and the row to be gone")


async def test_a_new_one_removes_what_an_older_one_left(world: World, person: Person) -> None:
    """Where nobody came to remove an export in time, the next one does."""
    left = f"exports/{person.account_id}/6f1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d/1-1.zip"
    await world.objects.put_if_absent(left, b"old", "application/zip")
    await exported(person)
    assert await world.objects.get(left) is None


async def test_files_go_when_their_time_is_over(world: World, person: Person) -> None:
    """An export that nobody can fetch any more is no longer stored."""
    document, _ = await exported(person)
    prefix = f"exports/{person.account_id}/"
    assert await world.objects.list(prefix)
    await _begin_anew(world, person)

    async def gone() -> bool:
        return not await world.objects.list(prefix)

    await until(gone, 20, what="the files to be gone")
    again, _ = await exported(person)
    assert again["id"] != document["id"]


async def test_erasing_ends_exports(world: World, person: Person) -> None:
    """Files and row of an export go with the account; an address given out opens nothing."""
    document, _ = await exported(person)
    await person.delete("/me")
    prefix = f"exports/{person.account_id}/"

    async def gone() -> bool:
        return not await world.objects.list(prefix)

    await until(gone, 20, what="the files to be gone")
    query = "SELECT 1 FROM exports WHERE account_id = $1"
    assert not await rows(world, query, UUID(person.account_id))
    async with httpx.AsyncClient() as client:
        assert (await client.get(document["parts"][0]["url"])).status_code == 404
