"""`/me`: the profile, preferences, consents and their withdrawal."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from processors.worker.choices import Choices
from runtime.postgres.pool import open_pool
from tests.integration.account.eyes import rows
from tests.integration.gateway.world import Person, World


async def change(person: Person, **wanted: Any) -> Any:
    return await person.client.patch("/me", json=wanted, headers=person.authorization)


async def test_who_asks_is_shown_what_is_known(world: World, person: Person) -> None:
    """The profile has the account, the person behind it, defaults, and no consent."""
    me = (await person.get("/me")).json()
    assert me["id"] == person.account_id
    assert (me["telegram_id"], me["display_name"]) == (person.telegram_id, "Ada")
    assert (me["language"], me["roles"]) == ("en", ["user"])
    assert me["preferences"] == {
        "language": None,
        "default_style_id": None,
        "default_size": None,
        "notifications": True,
        "analytics": True,
        "prompt_in_files": False,
    }
    assert {one["purpose"]: one["version"] for one in me["consents"]} == {
        "terms": None,
        "privacy": None,
        "marketing": None,
    }


async def test_only_what_is_named_changes(world: World, person: Person) -> None:
    """Two changes add up, null goes back to the default, and the answer shows it at once."""
    first = await change(person, language="de", default_size="1024x1536", notifications=False)
    assert first.status_code == 200, first.text
    changed = await change(person, analytics=False, default_size=None, prompt_in_files=True)
    second = changed.json()
    assert second["language"] == "de"
    assert second["preferences"] == {
        "language": "de",
        "default_style_id": None,
        "default_size": None,
        "notifications": False,
        "analytics": False,
        "prompt_in_files": True,
    }
    assert (await person.get("/me")).json() == second


async def test_the_worker_is_told_of_files(world: World, person: Person) -> None:
    """Whether prompts may stand in files, as its author said; nobody who said nothing wants it."""
    settings = replace(world.settings, database_url=world.database.urls["worker"])
    pool = await open_pool(settings, application_name="test worker")
    choices = Choices(pool)
    assert await choices.prompt_in_files(person.account_id) is False
    await change(person, prompt_in_files=True)
    assert await choices.prompt_in_files(person.account_id) is True
    await change(person, prompt_in_files=False)
    assert await choices.prompt_in_files(person.account_id) is False
    await pool.close()


async def test_consent_is_given_and_withdrawn(world: World, person: Person) -> None:
    """Agreeing and taking it back are both kept, with their times."""
    given = (await change(person, consents={"terms": "2026-01", "marketing": "2026-01"})).json()
    by_purpose = {one["purpose"]: one for one in given["consents"]}
    assert by_purpose["terms"]["version"] == "2026-01"
    assert by_purpose["marketing"]["withdrawn_at"] is None
    taken = (await change(person, consents={"marketing": None})).json()
    marketing = next(one for one in taken["consents"] if one["purpose"] == "marketing")
    assert marketing["given_at"] == by_purpose["marketing"]["given_at"]
    assert marketing["withdrawn_at"] is not None


async def test_a_repetition_is_no_second_fact(world: World, person: Person) -> None:
    """What is so already leaves the log as it is."""
    await change(person, language="fr", consents={"terms": "2026-01"})
    offsets = "SELECT partition, next_offset FROM read.projection_offsets ORDER BY 1"
    before = await rows(world, offsets)
    again = await change(person, language="fr", consents={"terms": "2026-01", "marketing": None})
    assert again.status_code == 200
    assert "Consistency-Token" not in again.headers
    assert await rows(world, offsets) == before


async def test_what_cannot_be_is_refused(world: World, person: Person) -> None:
    """Unknown fields, styles, sizes, languages, purposes and old versions are refused by name."""
    for wanted, status, field in (
        ({"credits": 100}, 422, "credits"),
        ({"account_id": person.account_id}, 422, "account_id"),
        ({"default_style_id": "nothing"}, 422, "default_style_id"),
        ({"default_size": "1x1"}, 422, "default_size"),
        ({"language": "<script>"}, 422, "language"),
        ({"consents": {"soul": "1"}}, 422, "consents.soul"),
    ):
        answer = await change(person, **wanted)
        assert answer.status_code == status, answer.text
        assert answer.json()["errors"][0]["field"] == field, answer.text
    old = await change(person, consents={"terms": "1999-01"})
    assert (old.status_code, old.json()["type"].rpartition("/")[2]) == (409, "consent-outdated")


async def test_nobody_is_shown_anybody_else(world: World, person: Person) -> None:
    """What one chooses, another does not see; and without a sign-in nobody sees anything."""
    await change(person, language="ja")
    other = await world.person()
    assert (await other.get("/me")).json()["preferences"]["language"] is None
    assert (await world.client.get("/me")).status_code == 401
    assert (await world.client.patch("/me", json={"language": "de"})).status_code == 401
    assert (await world.client.delete("/me")).status_code == 401
