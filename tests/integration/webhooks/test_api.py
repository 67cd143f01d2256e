"""The API of webhooks: endpoints, secrets, the log of deliveries, sending again."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from gateway.webhooks.documents import TYPES_MAX
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.world import Person, World

URL = "https://hooks.example.com/pixelpop"


async def added(person: Person, url: str = URL, **rest: Any) -> dict[str, Any]:
    """A new webhook, with its secret."""
    answer = await person.post("/webhooks", json={"url": url, **rest})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/webhooks/{made['webhook']['id']}"
    return made


async def changed(person: Person, webhook: str, **body: Any) -> Any:
    """PATCH it."""
    return await person.client.patch(
        f"/webhooks/{webhook}", json=body, headers=person.authorization
    )


async def as_owner(world: World, statement: str, *values: Any) -> Any:
    """What a superuser sees and may do."""
    connection = await asyncpg.connect(world.database.owner_url)
    try:
        return await connection.fetchval(statement, *values)
    finally:
        await connection.close()


@pytest.fixture
async def person(world: World) -> Person:
    return await world.person()


async def test_what_no_database_takes_is_refused(person: Person) -> None:
    """A text with U+0000 is refused by the name of its field, not by a fault of ours."""
    made = await added(person, description="a backslash: \\u0000")
    for answer in (
        await person.post("/webhooks", json={"url": URL, "description": "a\x00b"}),
        await changed(person, made["webhook"]["id"], description="\x00"),
    ):
        problem = is_problem(answer, 422, "invalid-request")
        assert [one["field"] for one in problem["errors"]] == ["description"]
    assert (await person.get("/webhooks")).json() == {"items": [made["webhook"]]}


async def test_made_seen_changed_removed(person: Person) -> None:
    """An endpoint can be made, seen, changed in part, switched off and on, and removed."""
    made = await added(person, event_types=["generation.done"], description="mine")
    webhook = made["webhook"]
    assert made["secret"].startswith("whsec_")
    path = f"/webhooks/{webhook['id']}"
    assert (await person.get(path)).json() == webhook
    assert (await person.get("/webhooks")).json() == {"items": [webhook]}
    off = (await changed(person, webhook["id"], enabled=False)).json()
    assert off == {**webhook, "enabled": False, "disabled_reason": "owner"}
    on = await changed(person, webhook["id"], enabled=True, event_types=[], url=f"{URL}/2")
    assert on.json() == {**webhook, "event_types": [], "url": f"{URL}/2"}
    assert (await person.delete(path)).status_code == 204
    is_problem(await person.get(path), 404, "not-found")
    is_problem(await person.delete(path), 404, "not-found")


async def test_the_secret_is_shown_once_and_sealed(world: World, person: Person) -> None:
    """No later answer and no column holds a secret in clear."""
    made = await added(person)
    webhook = made["webhook"]["id"]
    for path in ("/webhooks", f"/webhooks/{webhook}"):
        assert "whsec_" not in (await person.get(path)).text
    row = await as_owner(
        world, "SELECT e::text FROM webhook_endpoints AS e WHERE endpoint_id = $1", UUID(webhook)
    )
    assert made["secret"] not in row
    assert made["secret"].removeprefix("whsec_") not in row


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:169.254.169.254]/",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com:22/",
        "gopher://hooks.example.com/",
        "https://hooks.example.com/\x00",
        "nonsense",
    ],
)
async def test_private_addresses_are_refused(person: Person, url: str) -> None:
    """Threat 36: an address that cannot be public is a 422 that names the field."""
    problem = is_problem(await person.post("/webhooks", json={"url": url}), 422, "invalid-request")
    assert problem["errors"][0]["field"] == "url"
    webhook = (await added(person))["webhook"]["id"]
    is_problem(await changed(person, webhook, url=url), 422, "invalid-request")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": URL, "account_id": str(uuid4())},
        {"url": URL, "secret": "whsec_mine"},
        {"url": URL, "event_types": ["webhook.test"]},
        {"url": URL, "event_types": ["no.such"]},
        {"url": URL, "event_types": ["generation.done"] * (TYPES_MAX + 1)},
        {"url": URL, "description": "x" * 201},
        {"url": 7},
    ],
)
async def test_bodies_that_make_no_sense(person: Person, body: Any) -> None:
    """Threat 18: unknown fields, types and lengths are refused, and nothing is made."""
    is_problem(await person.post("/webhooks", json=body), 422, "invalid-request")
    assert (await person.get("/webhooks")).json() == {"items": []}


async def test_somebody_elses_is_not_there(world: World, person: Person) -> None:
    """Threat 17: another's endpoint and deliveries are 404 in every call, and stay as they are."""
    webhook = (await added(person))["webhook"]
    path = f"/webhooks/{webhook['id']}"
    delivery = (await person.post(f"{path}/test")).json()["id"]
    stranger = await world.person()
    own = f"/webhooks/{(await added(stranger))['webhook']['id']}"
    for answer in [
        await stranger.get(path),
        await changed(stranger, webhook["id"], enabled=False),
        await stranger.delete(path),
        await stranger.post(f"{path}/secret"),
        await stranger.post(f"{path}/test"),
        await stranger.post(f"{path}/replay"),
        await stranger.get(f"{path}/deliveries"),
        await stranger.get(f"{path}/deliveries/{delivery}"),
        await stranger.get(f"{own}/deliveries/{delivery}"),
        await stranger.post(f"{path}/deliveries/{delivery}/replay"),
        await stranger.post(f"{own}/deliveries/{delivery}/replay"),
    ]:
        is_problem(answer, 404, "not-found")
    assert (await person.get(path)).json() == webhook


async def test_there_are_so_many_and_no_more(world: World, person: Person) -> None:
    """However many are made at once, the limit of an account holds."""
    limit = world.settings.webhook_endpoints_max
    answers = await asyncio.gather(
        *(person.post("/webhooks", json={"url": URL}) for _ in range(limit + 10))
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] * limit + [409] * 10
    assert len((await person.get("/webhooks")).json()["items"]) == limit


async def test_a_secret_is_replaced(world: World, person: Person) -> None:
    """A rotation shows a new secret and says until when the old one signs; two count, not three."""
    made = await added(person)
    path = f"/webhooks/{made['webhook']['id']}"
    first = (await person.post(f"{path}/secret")).json()
    second = (await person.post(f"{path}/secret")).json()
    assert len({made["secret"], first["secret"], second["secret"]}) == 3
    assert first["old_secret_until"] > made["webhook"]["created_at"]
    number = "SELECT secret_number FROM webhook_endpoints WHERE endpoint_id = $1"
    assert await as_owner(world, number, UUID(made["webhook"]["id"])) == 3
    shown = (await person.get(path)).json()
    assert shown["old_secret_until"] == second["old_secret_until"]


async def test_rotations_at_once_leave_a_secret_that_works(world: World, person: Person) -> None:
    """Rotations at the same time come one after the other: none seals under another's number."""
    made = await added(person)
    path = f"/webhooks/{made['webhook']['id']}"
    answers = await asyncio.gather(*(person.post(f"{path}/secret") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    number = "SELECT secret_number FROM webhook_endpoints WHERE endpoint_id = $1"
    assert await as_owner(world, number, UUID(made["webhook"]["id"])) == 6


async def test_the_log_of_deliveries(person: Person) -> None:
    """Deliveries are listed newest first in pages, and one shows its body and its attempts."""
    path = f"/webhooks/{(await added(person))['webhook']['id']}"
    sent = [(await person.post(f"{path}/test")).json()["id"] for _ in range(5)]
    first = (await person.get(f"{path}/deliveries", params={"limit": 3})).json()
    rest = (
        await person.get(f"{path}/deliveries", params={"limit": 3, "cursor": first["next_cursor"]})
    ).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == sent[::-1]
    assert rest["next_cursor"] is None
    details = (await person.get(f"{path}/deliveries/{sent[0]}")).json()
    assert details["payload"]["type"] == "webhook.test"
    assert details["attempts"] == []
    assert details["delivery"]["status"] == "pending"
    failed = await person.get(f"{path}/deliveries", params={"status": "failed"})
    assert failed.json()["items"] == []
    for query in ({"status": "lost"}, {"cursor": "!"}, {"cursor": "WzEsMl0"}, {"limit": 0}):
        answer = await person.get(f"{path}/deliveries", params=query)
        assert answer.status_code == 400, answer.text


async def test_sent_again(world: World, person: Person) -> None:
    """A delivery that ended, well or not, is due again; all that failed can be at once."""
    path = f"/webhooks/{(await added(person))['webhook']['id']}"
    sent = [(await person.post(f"{path}/test")).json()["id"] for _ in range(3)]
    for delivery, state in zip(sent, ("failed", "failed", "delivered"), strict=True):
        await as_owner(
            world,
            "UPDATE webhook_deliveries SET state = $2, ended_at = now(), tries = 10, "
            "attempts = 10 WHERE delivery_id = $1",
            UUID(delivery),
            state,
        )
    again = await person.post(f"{path}/deliveries/{sent[2]}/replay")
    assert again.status_code == 202
    assert again.json()["status"] == "pending"
    assert again.json()["attempts"] == 10
    assert (await person.post(f"{path}/replay")).json() == {"deliveries": 2}
    pending = await person.get(f"{path}/deliveries", params={"status": "pending"})
    assert len(pending.json()["items"]) == 3
    is_problem(await person.post(f"{path}/deliveries/{uuid4()}/replay"), 404, "not-found")


async def test_a_key_needs_the_scope(world: World, person: Person) -> None:
    """A server manages webhooks with an API key that is allowed to, and with no other."""
    for scope, status in (("webhooks:manage", 201), ("generations:write", 403)):
        key = await person.post("/api-keys", json={"name": "server", "scopes": [scope]})
        assert key.status_code == 201, key.text
        headers = {"Authorization": f"Bearer {key.json()['key']}"}
        answer = await world.client.post("/webhooks", json={"url": URL}, headers=headers)
        assert answer.status_code == status, answer.text


async def test_an_erased_account_makes_none(world: World, person: Person) -> None:
    """Threat 16: a gateway that has not heard of an erasure yet leaves no endpoint behind."""
    await added(person)
    await world.destroy_key(person)
    answer = await person.post("/webhooks", json={"url": URL})
    assert answer.status_code == 401, answer.text
    count = "SELECT count(*) FROM webhook_endpoints WHERE account_id = $1"
    assert await as_owner(world, count, UUID(person.account_id)) == 0
