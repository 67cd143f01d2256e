"""Several prompts in one command, by HTTP: asked, shown, repeated, cancelled, told of live."""

from __future__ import annotations

import json
from typing import Any

from gateway.batches.routes import BODY_BYTES_MAX
from gateway.web.cursors import consistency_token
from runtime.waiting import until
from tests.integration.gateway.person import Person
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.sse import stream
from tests.integration.gateway.world import World

BODY = {
    "items": [{"prompt": "a cat"}, {"prompt": "a dog", "style_id": "neon"}, {"prompt": "a pig"}],
    "style_id": "watercolour",
}


async def ask(person: Person, key: str, body: dict[str, Any] | None = None) -> Any:
    """Send a batch."""
    headers = {"Idempotency-Key": key}
    return await person.post("/batches", json=BODY if body is None else body, headers=headers)


async def decided(person: Person, batch_id: str) -> dict[str, Any]:
    """The batch once all of it is decided."""
    found: dict[str, Any] = {}

    async def is_decided() -> bool:
        nonlocal found
        found = (await person.get(f"/batches/{batch_id}")).json()
        return all(one["credits"]["reserved"] or one["error"] for one in found["items"])

    await until(is_decided, 20, what="the decisions")
    return found


async def test_a_batch_is_asked_for_made_and_shown(world: World, person: Person) -> None:
    """Each generation has its words and style, is made by itself, and the batch adds them up."""
    answer = await ask(person, "b")
    assert answer.status_code == 202, answer.text
    found = await decided(person, answer.json()["id"])
    assert found["status"] == "pending"
    assert [one["prompt"] for one in found["items"]] == ["a cat", "a dog", "a pig"]
    assert [one["style_id"] for one in found["items"]] == ["watercolour", "neon", "watercolour"]
    assert found["credits"]["reserved"] == 3
    for one in found["items"][:2]:
        await world.complete(person, one["id"], 1)
    position = await world.fail(person, found["items"][2]["id"])
    token = {"Consistency-Token": consistency_token(position.partition, position.offset)}
    found = (await person.get(f"/batches/{found['id']}", headers=token)).json()
    assert (found["status"], found["finished_count"], found["done_count"]) == ("done", 3, 2)
    listed = (await person.get("/batches")).json()
    assert listed == {"items": [found], "next_cursor": None}
    gallery = (await person.get("/generations")).json()["items"]
    assert {one["id"] for one in gallery} == {one["id"] for one in found["items"]}
    alone = (await person.ask()).json()
    assert alone["batch_id"] is None
    assert {one["batch_id"] for one in [*answer.json()["items"], *gallery]} == {found["id"]}
    for asked, batch in ((alone["id"], None), (gallery[0]["id"], found["id"])):
        assert (await person.get(f"/generations/{asked}")).json()["batch_id"] == batch


async def test_what_the_credits_do_not_cover_is_rejected(person: Person) -> None:
    """The welcome covers the first of them; the others say why not, and cost nothing."""
    body = {"items": [{"prompt": "many", "count": 4}] * 3}
    found = await decided(person, (await ask(person, "b", body)).json()["id"])
    assert [one["status"] for one in found["items"]] == ["pending", "rejected", "rejected"]
    assert found["items"][1]["error"]["code"] == "insufficient_credits"
    assert found["credits"]["reserved"] == 4


async def test_the_longest_batch_fits(person: Person) -> None:
    """Twenty prompts of their longest, escaped as clients escape them, are taken; more is not."""
    words = "\U0001f600" * 500
    body = {"items": [{"prompt": words, "negative_prompt": words}] * 20}
    assert len(json.dumps(body)) > 240_000
    found = (await ask(person, "b", body)).json()
    assert [len(one["prompt"]) for one in found["items"]] == [500] * 20
    body["items"][0]["prompt"] = "x" * 30_000
    problem = is_problem(await ask(person, "c", body), 413, "body-too-large")
    assert str(BODY_BYTES_MAX) in problem["detail"]


async def test_a_repetition_is_the_same_batch(person: Person) -> None:
    """One key, one batch; another body under it is refused, and so is a second batch meanwhile."""
    first = await ask(person, "b")
    await decided(person, first.json()["id"])
    again = await ask(person, "b")
    assert again.status_code == 202
    assert again.headers["idempotent-replay"] == "true"
    assert again.json()["id"] == first.json()["id"]
    other = {**BODY, "style_id": "neon"}
    is_problem(await ask(person, "b", other), 422, "idempotency-key-reused")
    is_problem(await ask(person, "c"), 409, "batch-in-flight")


async def test_a_batch_is_cancelled_as_a_whole(person: Person) -> None:
    """What nobody has begun is cancelled, and its credits return."""
    batch = await decided(person, (await ask(person, "b")).json()["id"])
    answer = await person.post(f"/batches/{batch['id']}/cancel")
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "cancelled"

    async def returned() -> bool:
        return (await person.get(f"/batches/{batch['id']}")).json()["credits"]["returned"] == 3

    await until(returned, 20, what="the credits")
    assert (await person.post(f"/batches/{batch['id']}/cancel")).status_code == 200
    assert (await ask(person, "c")).status_code == 202


async def test_bad_batches_are_refused(person: Person) -> None:
    """None, too many, an empty prompt, a style that there is not: by the place of the fault."""
    for body in (
        {"items": []},
        {"items": [{"prompt": "x"}] * 21},
        {"items": [{"prompt": "x"}, {"prompt": " "}]},
        {"items": [{"prompt": "x"}, {"prompt": "y", "style_id": "nonesuch"}]},
        {"items": [{"prompt": "x"}, {"prompt": "y", "model": "nonesuch"}]},
    ):
        problem = is_problem(await ask(person, "bad", body), 422, "invalid-request")
        if len(body["items"]) == 2:
            assert "items[1]." in problem["detail"]
    assert (await person.get("/batches")).json()["items"] == []


async def test_others_see_nothing_of_it(world: World, person: Person) -> None:
    """Somebody else's batch is not found, neither to read nor to cancel."""
    batch = (await ask(person, "b")).json()["id"]
    other = await world.person()
    is_problem(await other.get(f"/batches/{batch}"), 404, "not-found")
    is_problem(await other.post(f"/batches/{batch}/cancel"), 404, "not-found")


async def test_a_stream_tells_when_a_batch_ends(world: World, person: Person) -> None:
    """It is told as a whole when it is asked for, and with the last of its generations."""
    async with stream(person.client, "/events", headers=person.authorization) as reader:
        batch = (await ask(person, "b", {"items": BODY["items"][:2]})).json()
        ids = [one["id"] for one in batch["items"]]
        asked = (await reader.until("batch", change="requested"))[-1]
        assert asked["data"]["generation_ids"] == ids
        for one in ids:
            await reader.until("generation", change="admitted", generation_id=one)
        await world.complete(person, ids[1])
        told = await reader.until("generation", change="completed")
        await world.fail(person, ids[0])
        told += await reader.until("generation", change="failed")
        assert [one["data"].get("ended_batch") for one in told][-1] == batch["id"]
        assert sum("ended_batch" in one["data"] for one in told) == 1
