"""API keys: made, used within their scopes, revoked, and never seen again."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from events.admin import ApiKeyCreated, ApiKeyRevoked
from gateway.access.api_keys_text import hash_of
from runtime.waiting import until
from tests.integration.gateway.log import events_about
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.sse import stream
from tests.integration.gateway.world import Person, World, another_gateway

READ = ["generations:read", "credits:read"]


async def make(person: Person, *scopes: str, **rest: Any) -> dict[str, Any]:
    """A new API key of a person."""
    body = {"name": "shop server", "scopes": list(scopes), **rest}
    answer = await person.post("/api-keys", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def bearer(key: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {key['key']}"}


async def with_key(world: World, key: dict[str, Any], method: str, path: str) -> httpx.Response:
    return await world.client.request(method, path, headers=bearer(key))


async def test_a_key_speaks_for_its_account(world: World, person: Person) -> None:
    """What a key may read is its account's, and nothing else."""
    key = await make(person, *READ)
    mine = await person.get("/credits")
    assert (await with_key(world, key, "GET", "/credits")).json() == mine.json()


async def test_a_revoked_key_leaves_no_heir(world: World, person: Person) -> None:
    """A gateway that has not heard yet that a key was revoked makes no other key for it."""
    key = await make(person, "api-keys:manage")
    assert (await with_key(world, key, "GET", "/api-keys")).status_code == 200  # now at hand
    connection = await asyncpg.connect(world.database.owner_url)
    try:
        await connection.execute(
            "UPDATE api_keys SET revoked_at = now() WHERE key_id = $1", UUID(key["id"])
        )
    finally:
        await connection.close()
    body = {"name": "heir", "scopes": ["api-keys:manage"]}
    answer = await world.client.post("/api-keys", json=body, headers=bearer(key))
    is_problem(answer, 401, "token-invalid")
    assert len((await person.get("/api-keys")).json()["items"]) == 1


async def test_a_key_asks_for_pictures(world: World, person: Person) -> None:
    """A server generates with a key: the hot path takes it, and the account pays."""
    key = await make(person, "generations:write", "generations:read")
    answer = await world.client.post(
        "/generations",
        json={"kind": "image", "prompt": "a cat"},
        headers=bearer(key) | {"Idempotency-Key": "one"},
    )
    assert answer.status_code == 202, answer.text
    assert (await person.get(answer.headers["Location"])).status_code == 200


async def test_a_scope_that_is_missing_is_refused(world: World, person: Person) -> None:
    """A key may do what its scopes name and nothing more, on the hot path too."""
    key = await make(person, "credits:read")
    problem = is_problem(
        await world.client.post("/generations", headers=bearer(key)), 403, "scope-missing"
    )
    assert "generations:write" in problem["detail"]
    for method, path in (
        ("GET", "/generations"),
        ("GET", f"/generations/{uuid4()}"),
        ("POST", f"/generations/{uuid4()}/cancel"),
        ("DELETE", f"/images/{uuid4()}"),
        ("GET", "/events"),
        ("POST", "/events/tickets"),
        ("POST", "/purchases"),
        ("GET", "/api-keys"),
        ("POST", "/api-keys"),
        ("GET", "/me"),
        ("DELETE", "/me"),
    ):
        is_problem(await with_key(world, key, method, path), 403, "scope-missing")


async def test_a_key_is_shown_once_and_kept_nowhere(world: World, person: Person) -> None:
    """No list, no table and no event holds a key; the table holds its hash."""
    key = await make(person, *READ)
    listed = (await person.get("/api-keys")).json()["items"]
    assert [one["id"] for one in listed] == [key["id"]]
    assert listed[0] == {name: key[name] for name in listed[0]}
    assert "key" not in listed[0]
    connection = await asyncpg.connect(world.database.owner_url)
    try:
        rows = await connection.fetch("SELECT k::text AS whole, secret_hash FROM api_keys AS k")
    finally:
        await connection.close()
    assert hash_of(key["key"]) in [row["secret_hash"] for row in rows]
    told = await events_about(world, person.account_id)
    for text in [*(row["whole"] for row in rows), *map(repr, told)]:
        assert key["key"] not in text
        assert "shop server" not in text


async def test_keys_are_told_in_the_log(world: World, person: Person) -> None:
    """Making and revoking are events with actor, before and after."""
    key = await make(person, *READ, expires_in_days=30)
    assert (await person.delete(f"/api-keys/{key['id']}")).status_code == 204
    assert (await person.delete(f"/api-keys/{key['id']}")).status_code == 204
    told = await events_about(world, person.account_id)
    created, revoked = (one for one in told if isinstance(one, ApiKeyCreated | ApiKeyRevoked))
    assert isinstance(created, ApiKeyCreated)
    assert isinstance(revoked, ApiKeyRevoked)
    assert created.actor == revoked.actor == person.account_id
    assert created.key_id == revoked.key_id == key["id"]
    assert (created.before, created.after) == ((), tuple(sorted(READ)))
    assert (revoked.before, revoked.after) == (tuple(sorted(READ)), ())
    assert created.expires_at_ms is not None


async def test_a_revoked_key_is_refused_everywhere(world: World, person: Person) -> None:
    """A key that two gateways had at hand is refused by both, at once here and soon there."""
    key = await make(person, *READ)
    async with another_gateway(world) as other:
        clients = (world.client, other.client)
        for client in clients:
            assert (await client.get("/credits", headers=bearer(key))).status_code == 200
        assert (await person.delete(f"/api-keys/{key['id']}")).status_code == 204
        answer = await world.client.get("/credits", headers=bearer(key))
        is_problem(answer, 401, "token-invalid")

        async def refused() -> bool:
            answer = await other.client.get("/credits", headers=bearer(key))
            return answer.status_code == 401

        await until(refused, 10, what="the other gateway to refuse the key")


async def test_a_revoked_keys_stream_ends(world: World, person: Person) -> None:
    """A stream that a key opened does not outlive it."""
    key = await make(person, "events:read")
    async with stream(world.client, "/events", headers=bearer(key)) as reader:
        assert (await reader.next()) is not None
        assert (await person.delete(f"/api-keys/{key['id']}")).status_code == 204
        while await reader.next() is not None:
            pass


async def test_a_revoked_keys_ticket_opens_nothing(world: World, person: Person) -> None:
    """A ticket is good for no longer than the key that made it; a person's is not touched."""
    key = await make(person, "events:read")
    made = await with_key(world, key, "POST", "/events/tickets")
    path = f"/events?ticket={made.json()['ticket']}"
    async with stream(world.client, path) as reader:
        await reader.until("reset")
    theirs = (await person.post("/events/tickets")).json()["ticket"]
    assert (await person.delete(f"/api-keys/{key['id']}")).status_code == 204
    is_problem(await world.client.get(path), 401, "token-invalid")
    async with stream(world.client, f"/events?ticket={theirs}") as reader:
        await reader.until("reset")


async def test_an_expired_key_is_refused(world: World, person: Person) -> None:
    """A key is good until its time is over."""
    key = await make(person, *READ, expires_in_days=1)
    connection = await asyncpg.connect(world.database.owner_url)
    try:
        await connection.execute(
            "UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE secret_hash = $1",
            hash_of(key["key"]),
        )
    finally:
        await connection.close()
    is_problem(await with_key(world, key, "GET", "/credits"), 401, "token-invalid")


async def test_the_last_use_is_shown(world: World, person: Person) -> None:
    """A key that was never used says so; one that was, says when."""
    key = await make(person, *READ)
    await make(person, *READ)
    assert (await with_key(world, key, "GET", "/credits")).status_code == 200
    listed = {one["id"]: one for one in (await person.get("/api-keys")).json()["items"]}
    assert listed[key["id"]]["last_used_at"] is not None
    assert sum(one["last_used_at"] is None for one in listed.values()) == 1


async def test_a_key_gives_no_more_than_it_has(world: World, person: Person) -> None:
    """A key that makes keys cannot make one that may do more than itself."""
    key = await make(person, "api-keys:manage", "credits:read")
    for scopes, status in ((["credits:read"], 201), (["credits:read", "credits:buy"], 403)):
        answer = await world.client.post(
            "/api-keys", json={"name": "child", "scopes": scopes}, headers=bearer(key)
        )
        assert answer.status_code == status, answer.text


async def test_another_accounts_key_is_not_to_be_found(world: World, person: Person) -> None:
    """Threat 17: nobody sees or revokes another account's API key."""
    key = await make(person, *READ)
    other = await world.person()
    assert (await other.get("/api-keys")).json() == {"items": []}
    is_problem(await other.delete(f"/api-keys/{key['id']}"), 404, "not-found")
    assert (await with_key(world, key, "GET", "/credits")).status_code == 200


async def test_there_is_a_most_of_keys(world: World, person: Person) -> None:
    """Beyond its limit an account gets no further key until one is revoked."""
    limit = world.settings.api_keys_per_account_max
    keys = [await make(person, "credits:read") for _ in range(limit)]
    body = {"name": "one more", "scopes": ["credits:read"]}
    is_problem(await person.post("/api-keys", json=body), 409, "too-many-api-keys")
    assert (await person.delete(f"/api-keys/{keys[0]['id']}")).status_code == 204
    await make(person, "credits:read")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x", "scopes": []},
        {"name": "", "scopes": ["credits:read"]},
        {"name": "x", "scopes": ["credits:steal"]},
        {"name": "x", "scopes": ["admin"]},
        {"name": "x", "scopes": ["credits:read"], "expires_in_days": 0},
        {"name": "x", "scopes": ["credits:read"], "account_id": str(UUID(int=7))},
        {"name": "x", "scopes": ["credits:read"], "roles": ["admin"]},
    ],
    ids=str,
)
async def test_a_bad_wish_makes_no_key(person: Person, body: Any) -> None:
    """Unknown scopes, fields and senseless times are refused, each with its field."""
    problem = is_problem(await person.post("/api-keys", json=body), 422, "invalid-request")
    assert problem["errors"]
    assert (await person.get("/api-keys")).json() == {"items": []}


async def test_what_only_looks_like_a_key_is_refused(world: World, person: Person) -> None:
    """A forged, cut, padded or foreign key is 401, and a key alone is no other scheme."""
    key = (await make(person, *READ))["key"]
    last = "A" if key[-1] != "A" else "B"
    for text in (
        f"Bearer {key[:-1]}",
        f"Bearer {key[:-1]}{last}",
        f"Bearer {key}0",
        f"Bearer pp_test_{key[8:]}",
        "Bearer pp_",
        f"Bearer pp_live_{'0' * 49}",
        f"tma {key}",
        f"Basic {key}",
        key,
    ):
        answer = await world.client.get("/credits", headers={"Authorization": text})
        assert answer.status_code == 401, (text[:20], answer.text)
        assert key not in answer.text


async def test_an_erased_accounts_key_is_refused(world: World, person: Person) -> None:
    """Threat 16, of keys: with its account's key destroyed, an API key is worth nothing."""
    key = await make(person, *READ)
    await world.destroy_key(person)
    answer = await with_key(world, key, "GET", "/credits")
    assert answer.status_code == 401, answer.text
