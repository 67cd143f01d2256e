"""One generation through the gateway, on real servers."""

from __future__ import annotations

from tests.integration.gateway.world import Person, World


async def test_a_new_person_is_welcomed_with_credits(world: World, person: Person) -> None:
    """A first sign-in answers with a token, the account and the welcome credits."""
    assert person.login["token_type"] == "Bearer"
    assert person.login["balance"] == {"available": 5, "reserved": 0, "debt": 0}
    credits_ = (await person.get("/credits")).json()
    assert credits_["available"] == 5
    assert [grant["why"] for grant in credits_["grants"]] == ["welcome"]


async def test_signing_in_again_is_the_same_account(world: World, person: Person) -> None:
    """The same Telegram user gets the same account, and no second welcome."""
    again = await world.person(telegram_id=person.telegram_id)
    assert again.account_id == person.account_id
    assert again.login["balance"]["available"] == 5


async def test_a_generation_is_admitted_and_done(world: World, person: Person) -> None:
    """POST answers 202 with the reservation; once made, GET shows pictures that open."""
    asked = await person.ask(count=2)
    assert asked.status_code == 202, asked.text
    document = asked.json()
    assert document["status"] == "pending"
    assert document["credits"] == {"reserved": 2, "captured": 0, "returned": 0}
    address = asked.headers["Location"]
    seen = await person.get(
        address, headers={"Consistency-Token": asked.headers["Consistency-Token"]}
    )
    assert seen.json()["prompt"] == "a cat on a mat"
    await world.start(person, document["id"])
    await world.complete(person, document["id"], 2)
    again = await person.ask(key="key-1", count=2, headers={"Prefer": "wait=10"})
    assert again.status_code == 200
    assert again.headers["Idempotent-Replay"] == "true"
    done = again.json()
    assert done["status"] == "done"
    assert len(done["images"]) == 2
    picture = await world.client.get(done["images"][0]["url"])
    assert picture.status_code == 200
    assert picture.content == b"not really a picture"
