"""Who may come in: tokens, init data, and nobody else."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.world import Person, World

ANY = "6f1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
"""An id that nobody has; fixed, so that every run collects the same tests."""

ROUTES = [
    ("GET", "/generations"),
    ("POST", "/generations"),
    ("GET", f"/generations/{ANY}"),
    ("DELETE", f"/generations/{ANY}"),
    ("POST", f"/generations/{ANY}/cancel"),
    ("POST", f"/generations/{ANY}/restore"),
    ("GET", f"/generations/{ANY}/events"),
    ("DELETE", f"/images/{ANY}"),
    ("POST", f"/images/{ANY}/restore"),
    ("GET", "/events"),
    ("POST", "/events/tickets"),
    ("GET", "/credits"),
    ("GET", "/credits/history"),
    ("GET", "/purchases"),
    ("POST", "/purchases"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_nothing_is_to_be_had_without_a_token(
    world: World, person: Person, method: str, path: str
) -> None:
    """A missing, forged, foreign or odd token is 401 everywhere."""
    forged = jwt.encode({"sub": person.account_id, "exp": 2**31}, "k" * 40, "HS256")
    for authorization, code in (
        (None, "token-missing"),
        ("", "token-missing"),
        ("Basic YTpi", "token-missing"),
        ("Bearer", "token-invalid"),
        (f"Bearer {forged}", "token-invalid"),
        (f"Bearer {person.token[:-4]}AAAA", "token-invalid"),
        ("Bearer ü".encode(), "token-invalid"),
        ("tma hash=0", "init-data-invalid"),
        (f"tma {world.init_data(1, age_seconds=90_000)}", "init-data-expired"),
    ):
        headers = {} if authorization is None else {"Authorization": authorization}
        answer = await world.client.request(method, path, headers=headers)
        is_problem(answer, 401, code)
        assert answer.headers["WWW-Authenticate"]


async def test_init_data_opens_everything_directly(world: World, person: Person) -> None:
    """`Authorization: tma` is the same account as its token."""
    data = world.init_data(person.telegram_id)
    for _ in range(2):
        answer = await world.client.get("/credits", headers={"Authorization": f"tma {data}"})
        assert answer.json()["available"] == 5


async def test_a_repeated_login_is_the_same_account(world: World, person: Person) -> None:
    """With its session key a login may be repeated, and brings nothing new."""
    body = {"init_data": world.init_data(person.telegram_id), "session_key": "k" * 32}
    answers = [(await world.client.post("/auth/login", json=body)).json() for _ in range(2)]
    assert [one["user"]["id"] for one in answers] == [person.account_id] * 2
    assert [one["balance"]["available"] for one in answers] == [5, 5]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "invalid-request"),
        ({"init_data": ""}, 422, "invalid-request"),
        ({"init_data": "x" * 9000}, 422, "invalid-request"),
        ({"init_data": "hash=1", "user_id": 5}, 422, "invalid-request"),
        ({"init_data": "hash=%00"}, 401, "init-data-invalid"),
        ({"init_data": "ü"}, 401, "init-data-invalid"),
    ],
    ids=str,
)
async def test_a_bad_login_is_refused(world: World, body: Any, status: int, code: str) -> None:
    """What Telegram did not sign signs nobody in."""
    is_problem(await world.client.post("/auth/login", json=body), status, code)
