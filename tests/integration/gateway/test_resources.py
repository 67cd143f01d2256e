"""Gallery, cancel, bin, credits, purchases and catalogue."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from events.accounts import AccountErased
from events.ids import fact_id
from gateway.live.tail_reader import TailReader
from runtime.waiting import until
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.world import Person, World


async def rich(person: Person) -> None:
    """Buy credits, and wait until they are there."""
    answer = await person.post(
        "/purchases", json={"pack_id": "starter"}, headers={"Idempotency-Key": "rich"}
    )
    assert answer.status_code == 201, answer.text

    async def there() -> bool:
        return (await person.get("/credits")).json()["available"] >= 15

    await until(there, 10, what="the bought credits")


async def made(world: World, person: Person, **body: Any) -> dict[str, Any]:
    """Ask for a generation and have it made."""
    asked = await person.ask(**body)
    assert asked.status_code == 202, asked.text
    generation = asked.json()["id"]
    position = await world.complete(person, generation, body.get("count", 1))
    token = {"Consistency-Token": _token(position)}
    return (await person.get(f"/generations/{generation}", headers=token)).json()


def _token(position: Any) -> str:
    from gateway.web.cursors import consistency_token

    return consistency_token(position.partition, position.offset)


async def test_the_gallery_pages_newest_first(world: World, person: Person) -> None:
    """Every generation is on exactly one page; `Link` and cursor lead on; filters hold."""
    wanted = [(await made(world, person, prompt=f"picture {n}"))["id"] for n in range(3)]
    first = await person.get("/generations?limit=2")
    assert [one["id"] for one in first.json()["items"]] == wanted[:0:-1]
    address = first.headers["Link"].split("<")[1].split(">")[0]
    second = await person.get(address)
    assert [one["id"] for one in second.json()["items"]] == wanted[:1]
    assert second.json()["next_cursor"] is None
    assert "Link" not in second.headers
    assert len((await person.get("/generations?status=done")).json()["items"]) == 3
    assert (await person.get("/generations?status=failed")).json()["items"] == []
    assert (await person.get("/generations?style_id=neon")).json()["items"] == []
    found = (await person.get("/generations?q=PICTURE 1")).json()["items"]
    assert [one["id"] for one in found] == [wanted[1]]


async def test_a_generation_can_be_deleted_and_restored(world: World, person: Person) -> None:
    """The bin hides it from the gallery and gives it back."""
    done = await made(world, person)
    address = f"/generations/{done['id']}"
    gone = await person.delete(address)
    assert gone.status_code == 204
    token = {"Consistency-Token": gone.headers["Consistency-Token"]}
    assert (await person.get("/generations", headers=token)).json()["items"] == []
    assert (await person.get(address)).json()["deleted_at"] is not None
    binned = (await person.get("/generations?deleted=true")).json()["items"]
    assert [one["id"] for one in binned] == [done["id"]]
    assert (await person.delete(address)).status_code == 204
    back = await person.post(f"{address}/restore")
    assert back.status_code == 204
    token = {"Consistency-Token": back.headers["Consistency-Token"]}
    assert len((await person.get("/generations", headers=token)).json()["items"]) == 1


async def test_what_is_deleted_can_be_taken_back_at_once(world: World, person: Person) -> None:
    """An undo in the same moment, without any token, is not lost; nor is the next delete."""
    done = await made(world, person)
    for address in (f"/generations/{done['id']}", f"/images/{done['images'][0]['id']}"):
        for _ in range(3):
            assert "Consistency-Token" in (await person.delete(address)).headers
            assert "Consistency-Token" in (await person.post(f"{address}/restore")).headers


async def test_one_image_can_be_deleted_and_restored(world: World, person: Person) -> None:
    """The others stay."""
    done = await made(world, person, count=2)
    image = done["images"][0]["id"]
    gone = await person.delete(f"/images/{image}")
    assert gone.status_code == 204
    address = f"/generations/{done['id']}"
    token = {"Consistency-Token": gone.headers["Consistency-Token"]}
    left = (await person.get(address, headers=token)).json()["images"]
    assert [one["id"] for one in left] == [done["images"][1]["id"]]
    back = await person.post(f"/images/{image}/restore")
    token = {"Consistency-Token": back.headers["Consistency-Token"]}
    assert len((await person.get(address, headers=token)).json()["images"]) == 2


async def test_what_nobody_makes_can_be_cancelled(world: World, person: Person) -> None:
    """The claim is taken, the credits return, and a second cancel says the same."""
    asked = (await person.ask(count=2)).json()
    cancelled = await person.post(f"/generations/{asked['id']}/cancel")
    assert cancelled.status_code == 200
    assert cancelled.json()["status"] == "cancelled"

    async def returned() -> bool:
        return (await person.get("/credits")).json()["available"] == 5

    await until(returned, 10, what="the credits to return")
    again = await person.post(f"/generations/{asked['id']}/cancel")
    assert again.json()["status"] == "cancelled"


async def test_what_is_finished_cannot_be_cancelled(world: World, person: Person) -> None:
    """409, and nothing changes."""
    done = await made(world, person)
    answer = await person.post(f"/generations/{done['id']}/cancel")
    is_problem(answer, 409, "already-finished")


async def test_a_failure_is_told_and_costs_nothing(world: World, person: Person) -> None:
    """A failed generation says why, in words, and its credits return."""
    asked = (await person.ask()).json()
    await world.fail(person, asked["id"])
    failed = (await person.ask(key="key-1", headers={"Prefer": "wait=10"})).json()
    assert failed["status"] == "failed"
    assert failed["error"]["code"] == "provider_refused"
    assert failed["error"]["detail"].endswith(".")


async def test_buying_twice_with_one_key_is_one_purchase(person: Person) -> None:
    """A repeated purchase grants once; the same key for another pack is refused."""
    await rich(person)
    again = await person.post(
        "/purchases", json={"pack_id": "starter"}, headers={"Idempotency-Key": "rich"}
    )
    assert again.status_code == 201
    assert again.headers["Idempotent-Replay"] == "true"
    assert again.json()["status"] == "granted"
    assert (await person.get("/credits")).json()["available"] == 15
    other = await person.post(
        "/purchases", json={"pack_id": "studio"}, headers={"Idempotency-Key": "rich"}
    )
    is_problem(other, 422, "idempotency-key-reused")
    (bought,) = (await person.get("/purchases")).json()["items"]
    assert (bought["pack_id"], bought["status"], bought["currency"]) == (
        "starter",
        "granted",
        "XTR",
    )


async def test_one_key_buys_one_pack_however_they_race(person: Person) -> None:
    """Of two packs bought at once with one key one is bought, and the other is told so."""
    answers = await asyncio.gather(
        *(
            person.post("/purchases", json={"pack_id": pack}, headers={"Idempotency-Key": "race"})
            for pack in ("starter", "studio")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    (bought,) = (await person.get("/purchases")).json()["items"]
    (paid,) = (answer.json() for answer in answers if answer.status_code == 201)
    assert (paid["id"], paid["pack_id"]) == (bought["id"], bought["pack_id"])


async def test_the_ledger_tells_everything_newest_first(world: World, person: Person) -> None:
    """Grant, reservation, settlement: each with its effect, its balance and its postings."""
    await made(world, person)

    async def settled() -> bool:
        items = (await person.get("/credits/history")).json()["items"]
        return len(items) == 3

    await until(settled, 10, what="the settlement")
    first = await person.get("/credits/history?limit=2")
    entries = first.json()["items"]
    rest = await person.get(f"/credits/history?cursor={first.json()['next_cursor']}")
    entries += rest.json()["items"]
    assert [one["sequence"] for one in entries] == [3, 2, 1]
    assert [one["available_after"] for one in entries] == [4, 4, 5]
    assert all(sum(amount for _, amount in one["postings"]) == 0 for one in entries)


async def test_respond_async_does_not_wait(person: Person) -> None:
    """The answer says so, and the generation is there all the same."""
    answer = await person.ask(headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    token = {"Consistency-Token": answer.headers["Consistency-Token"]}
    assert (await person.get(answer.headers["Location"], headers=token)).status_code == 200


async def test_a_generation_can_be_read_at_once(person: Person) -> None:
    """GET right after 202 finds it, token or not, with its prompt."""
    for _ in range(3):
        asked = await person.ask()
        seen = await person.get(asked.headers["Location"])
        assert seen.status_code == 200
        assert seen.json()["prompt"] == "a cat on a mat"


async def test_many_at_once_with_one_key_are_one_generation(person: Person) -> None:
    """However they race, one is admitted and all are told of it; another body is refused."""
    answers = await asyncio.gather(*(person.ask(key="race") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    answers = await asyncio.gather(
        *(person.ask(key="race-2", prompt=f"picture {n}") for n in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [202] + [422] * 5

    async def counted() -> bool:
        return (await person.get("/credits")).json()["reserved"] == 2

    await until(counted, 10, what="two reservations")


async def test_catalogue_answers_are_cached(world: World) -> None:
    """An ETag that still holds is answered 304, without a body."""
    for path in ("/styles", "/models", "/packs"):
        answer = await world.client.get(path)
        assert answer.json()["items"]
        assert "max-age" in answer.headers["Cache-Control"]
        again = await world.client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    models = (await world.client.get("/models")).json()["items"]
    assert [one["id"] for one in models] == ["preview"]


async def test_a_token_of_an_erased_account_is_refused(world: World) -> None:
    """As soon as the erasure is in the log and the key is gone, the token opens nothing."""
    gone = await world.person()
    event = AccountErased(
        account_id=gone.account_id, occurred_at_ms=world.clock.now_ms(), reason="user"
    )
    await world.destroy_key(gone)
    await world.append(event, fact_id(gone.account_id, "erased"))

    async def refused() -> bool:
        return (await gone.get("/credits")).status_code == 401

    await until(refused, 10, what="the token to be refused")
    is_problem(await gone.get("/credits"), 401, "account-erased")


async def test_nothing_is_declared_missing_before_the_log_was_read(
    world: World, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway whose tail is behind says "ask again" of what it does not know, not 404."""
    path = f"/generations/{uuid4()}"
    monkeypatch.setattr(TailReader, "caught_up", False)
    problem = is_problem(await person.get(path), 503, "not-caught-up")
    assert problem["retry_after"] >= 1
    is_problem(await person.post(f"{path}/cancel"), 503, "not-caught-up")
    is_problem(await person.post(f"{path}/restore"), 503, "not-caught-up")
    is_problem(await person.get(f"{path}/events"), 503, "not-caught-up")
    monkeypatch.undo()
    is_problem(await person.get(path), 404, "not-found")
