"""Bad input: each kind is a problem document with a stable type, and nothing is charged."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.web.cursors import encode_cursor
from runtime.waiting import until
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.world import Person, World

GOOD = {"kind": "image", "prompt": "a cat on a mat"}

ANY = "6f1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
"""An id that nobody has; fixed, so that every run collects the same tests."""


async def untouched(person: Person) -> None:
    """Assert that the account was not charged and holds no generation."""

    async def whole() -> bool:
        return bool((await person.get("/credits")).json()["available"] == 5)

    await until(whole, 10.0, what="the welcome credits, all of them")
    assert (await person.get("/generations")).json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed-json"),
        (b"{", 400, "malformed-json"),
        (b'{"prompt":"x"}}', 400, "malformed-json"),
        (b"\xff\xfe", 400, "malformed-json"),
        (b'{"prompt":NaN}', 400, "malformed-json"),
        (b"[" * 60_000, 400, "body-too-deep"),
        (b'{"prompt":' + b"[" * 60_000, 400, "body-too-deep"),
        (b'{"prompt":"x","more":' + b"[" * 60_000, 400, "body-too-deep"),
        (b"[]", 422, "invalid-request"),
        (b'"prompt"', 422, "invalid-request"),
        (b"{}", 422, "invalid-request"),
        (b'{"prompt":"x","credits":1}', 422, "invalid-request"),
        (b'{"prompt":"x","user_id":"1"}', 422, "invalid-request"),
        (b'{"prompt":""}', 422, "invalid-request"),
        (b'{"prompt":"   "}', 422, "invalid-request"),
        (b'{"prompt":"' + b"x" * 501 + b'"}', 422, "invalid-request"),
        (b'{"prompt":"' + b"x" * 9000 + b'"}', 422, "invalid-request"),
        (b'{"prompt":"x","style_id":"oil"}', 422, "invalid-request"),
        (b'{"prompt":"x","size":"9x9"}', 422, "invalid-request"),
        (b'{"prompt":"x","model":"nope"}', 422, "invalid-request"),
        (b'{"prompt":"x","quality":"best"}', 422, "invalid-request"),
        (b'{"prompt":"x","count":0}', 422, "invalid-request"),
        (b'{"prompt":"x","count":-1}', 422, "invalid-request"),
        (b'{"prompt":"x","count":5}', 422, "invalid-request"),
        (b'{"prompt":"x","count":1.5}', 422, "invalid-request"),
        (b'{"prompt":"x","count":"1"}', 422, "invalid-request"),
        (b'{"prompt":"x","count":99999999999999999999}', 422, "invalid-request"),
        (b'{"prompt":"x","seed":-1}', 422, "invalid-request"),
        (b'{"prompt":"x","seed":1e400}', 422, "invalid-request"),
        (b'{"kind":"edit","prompt":"x"}', 422, "invalid-request"),
        (b'{"kind":"variation"}', 422, "invalid-request"),
        (b'{"kind":"thumbnail","prompt":"x"}', 422, "kind-not-available"),
        (b'{"kind":"video","prompt":"x"}', 422, "invalid-request"),
        (b'{"kind":7,"prompt":"x"}', 422, "invalid-request"),
        (b'{"prompt":"x","prompt":"y"}', 422, "invalid-request"),
        (b'{"prompt":"x","count":1,"co\\u0075nt":4}', 422, "invalid-request"),
        (b'{"kind":"image","prompt":"x","kind":"image"}', 422, "invalid-request"),
        (b'{"prompt":"a\\u0000b"}', 422, "invalid-request"),
        (b'{"prompt":"a\x00b"}', 400, "malformed-json"),
        (b'{"prompt":"x","negative_prompt":"\\u001b[2J"}', 422, "invalid-request"),
        (b'{"prompt":"\\u200b\\u202e"}', 422, "invalid-request"),
        (b'{"prompt":"\\ud800"}', 400, "malformed-json"),
        (b'{"prompt":"\xed\xa0\x80"}', 400, "malformed-json"),
        (b'{"prompt":"x","seed":Infinity}', 400, "malformed-json"),
        (b'{"prompt":"x"}{"prompt":"y"}', 400, "malformed-json"),
        ('{"prompt":"x"}'.encode("utf-16"), 400, "malformed-json"),
        (b'\xef\xbb\xbf{"prompt":"x"}', 400, "malformed-json"),
        (b'{"prompt":"' + b"x" * 70_000 + b'"}', 413, "body-too-large"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_bad_body_is_refused(person: Person, body: bytes, status: int, code: str) -> None:
    """Malformed, unknown, over-long, out of bounds: named, and nothing is charged."""
    answer = await person.post(
        "/generations",
        content=body,
        headers={"Idempotency-Key": "k", "Content-Type": "application/json"},
    )
    problem = is_problem(answer, status, code)
    if code == "invalid-request":
        assert problem["errors"][0]["reason"]
    await untouched(person)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_of_another_type_is_refused(person: Person, media_type: str) -> None:
    """415, since a form that happens to be JSON is a mistake."""
    answer = await person.post(
        "/generations",
        content=b'{"prompt":"x"}',
        headers={"Idempotency-Key": "k", "Content-Type": media_type},
    )
    is_problem(answer, 415, "unsupported-media-type")


async def test_a_body_without_a_length_is_bounded_too(person: Person) -> None:
    """A body without a length is read up to the bound and no further."""

    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 4_000

    answer = await person.post(
        "/generations",
        content=chunks(),
        headers={"Idempotency-Key": "k", "Content-Type": "application/json"},
    )
    is_problem(answer, 413, "body-too-large")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "idempotency-key-missing"),
        ({"Idempotency-Key": ""}, "idempotency-key-invalid"),
        ({"Idempotency-Key": "a b"}, "idempotency-key-invalid"),
        ({"Idempotency-Key": "x" * 256}, "idempotency-key-invalid"),
        ({"Idempotency-Key": "schlüssel".encode()}, "idempotency-key-invalid"),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/generations", "/purchases"])
async def test_a_bad_key_is_refused(person: Person, headers: Any, code: str, path: str) -> None:
    """The key is required, and is 1 to 255 visible ASCII characters."""
    body = GOOD if path == "/generations" else {"pack_id": "starter"}
    is_problem(await person.post(path, json=body, headers=headers), 400, code)
    await untouched(person)


async def test_a_key_reused_with_another_body_is_refused(person: Person) -> None:
    """The same key means the same request for ever; the first one is untouched."""
    first = await person.ask(key="mine")
    assert first.status_code == 202
    problem = is_problem(
        await person.ask(key="mine", prompt="a dog"), 422, "idempotency-key-reused"
    )
    assert problem["generation_id"] == first.json()["id"]
    same = await person.ask(key="mine")
    assert same.status_code == 202
    assert same.headers["Idempotent-Replay"] == "true"
    assert same.json()["id"] == first.json()["id"]
    token = {"Consistency-Token": same.headers["Consistency-Token"]}
    assert (await person.get("/credits", headers=token)).json()["reserved"] == 1


async def test_the_same_key_of_two_people_is_two_requests(world: World, person: Person) -> None:
    """Keys belong to accounts."""
    other = await world.person()
    mine, theirs = await person.ask(key="same"), await other.ask(key="same")
    assert mine.status_code == theirs.status_code == 202
    assert mine.json()["id"] != theirs.json()["id"]
    assert "Idempotent-Replay" not in theirs.headers


@pytest.mark.parametrize("name", ["1", "x", "..%2f", "%00", ANY.upper(), f"{{{ANY}}}"])
async def test_a_bad_id_is_not_found(person: Person, name: str) -> None:
    """What cannot be an id belongs to nothing."""
    for path in (f"/generations/{name}", f"/generations/{name}/events"):
        is_problem(await person.get(path), 404, "not-found")
    is_problem(await person.delete(f"/images/{name}"), 404, "not-found")


async def test_what_belongs_to_others_is_not_found(world: World, person: Person) -> None:
    """Another user's generation and image answer exactly as ones that do not exist."""
    asked = (await person.ask()).json()
    await world.complete(person, asked["id"])
    done = (await person.ask(key="key-1", headers={"Prefer": "wait=10"})).json()
    image = done["images"][0]["id"]
    other = await world.person()
    for method, path in (
        ("GET", f"/generations/{asked['id']}"),
        ("DELETE", f"/generations/{asked['id']}"),
        ("POST", f"/generations/{asked['id']}/cancel"),
        ("POST", f"/generations/{asked['id']}/restore"),
        ("GET", f"/generations/{asked['id']}/events"),
        ("DELETE", f"/images/{image}"),
        ("POST", f"/images/{image}/restore"),
    ):
        answer = await world.client.request(method, path, headers=other.authorization)
        is_problem(answer, 404, "not-found")
    assert (await person.get(f"/generations/{asked['id']}")).json()["deleted_at"] is None


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/generations?limit=0", "invalid-parameter"),
        ("/generations?limit=101", "invalid-parameter"),
        ("/generations?limit=many", "invalid-parameter"),
        ("/generations?status=ready", "invalid-parameter"),
        ("/generations?sort=old", "invalid-parameter"),
        ("/generations?cursor=abc", "cursor-invalid"),
        ("/generations?cursor=%00", "invalid-parameter"),
        ("/generations?limit=1&limit=2", "invalid-parameter"),
        ("/generations?limit=1.5", "invalid-parameter"),
        ("/generations?limit=NaN", "invalid-parameter"),
        ("/generations?deleted=perhaps", "invalid-parameter"),
        ("/generations?q=", "invalid-parameter"),
        ("/generations?style_id=%00", "invalid-parameter"),
        (f"/generations?cursor={encode_cursor([2**63, ANY])}", "cursor-invalid"),
        (f"/generations?cursor={encode_cursor([-1, ANY])}", "cursor-invalid"),
        (f"/generations?cursor={encode_cursor([1, 'me'])}", "cursor-invalid"),
        (f"/credits/history?cursor={encode_cursor(2**63)}", "cursor-invalid"),
        ("/credits/history?cursor=abc", "cursor-invalid"),
        ("/credits/history?limit=-1", "invalid-parameter"),
        ("/events?last_event_id=7", "cursor-invalid"),
    ],
)
async def test_a_bad_parameter_is_refused(person: Person, path: str, code: str) -> None:
    """Parameters are checked like bodies; unknown and repeated ones are refused, by name."""
    problem = is_problem(await person.get(path), 400, code)
    if code == "invalid-parameter":
        assert problem["errors"][0]["field"] in path
        assert "`$" not in problem["detail"]


async def test_a_bad_consistency_token_is_refused(person: Person) -> None:
    """A token that was not handed out is no reason to wait."""
    answer = await person.get("/credits", headers={"Consistency-Token": "soon"})
    is_problem(answer, 400, "cursor-invalid")


async def test_a_token_of_the_far_future_is_answered_in_time(person: Person) -> None:
    """What the read models do not reach in time is a 503 that says when to ask again."""
    answer = await person.get("/credits", headers={"Consistency-Token": "MDo5OTk5OTk5OTk"})
    problem = is_problem(answer, 503, "not-caught-up")
    assert answer.headers["Retry-After"] == str(problem["retry_after"])


async def test_unknown_addresses_and_methods(world: World) -> None:
    """404 and 405 are problem documents too; 405 names what is allowed."""
    is_problem(await world.client.get("/nowhere"), 404, "not-found")
    answer = await world.client.put("/styles")
    is_problem(answer, 405, "method-not-allowed")
    assert "GET" in answer.headers["Allow"]


async def test_not_enough_credits_is_402(person: Person) -> None:
    """The refusal is decided in the log, says what is missing, and is the same when repeated."""
    for _ in range(2):
        answer = await person.ask(key="dear", count=4, quality="high")
        problem = is_problem(answer, 402, "insufficient-credits")
        assert (problem["credits_needed"], problem["credits_available"]) == (8, 5)
    assert answer.headers.get("Idempotent-Replay") == "true"
    assert (await person.get("/credits")).json()["available"] == 5


async def test_too_many_requests_is_429(world: World, person: Person) -> None:
    """The sixth in a minute is refused, with the time to wait."""
    await person.post("/purchases", json={"pack_id": "starter"}, headers={"Idempotency-Key": "p"})
    answers = [await person.ask(key=f"burst-{n}") for n in range(6)]
    assert [answer.status_code for answer in answers[:5]] == [202] * 5
    problem = is_problem(answers[5], 429, "rate-limited")
    assert 1 <= problem["retry_after"] <= 12
    assert answers[5].headers["Retry-After"] == str(problem["retry_after"])


async def test_a_flood_does_not_reach_the_log(person: Person) -> None:
    """At five times the limit the gateway refuses by itself; such a refusal is no generation."""
    answers = [await person.ask(key=f"flood-{n}") for n in range(30)]
    last = is_problem(answers[-1], 429, "rate-limited")
    assert "generation_id" not in last
    assert sum("generation_id" in answer.json() for answer in answers if answer.is_error) == 20


async def test_a_prohibited_prompt_is_422(person: Person) -> None:
    """The refusal stands in the log; nothing is charged and the text is not repeated."""
    answer = await person.ask(prompt="p0rn")
    is_problem(answer, 422, "prohibited")
    assert "p0rn" not in answer.text
    assert (await person.get("/credits")).json()["available"] == 5


async def test_an_unknown_pack_is_refused(person: Person) -> None:
    """Packs are named by the catalogue; what they cost is not for the client to say."""
    for body in ({"pack_id": "gold"}, {"pack_id": "starter", "credits": 999}, {"pack_id": 1}):
        answer = await person.post("/purchases", json=body, headers={"Idempotency-Key": "p"})
        is_problem(answer, 422, "invalid-request")
    await untouched(person)
