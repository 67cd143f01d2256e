"""Roles, bans and API customers: what an admin may do, and that everything of it is told."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from events.admin import AccountBanned, AccountUnbanned, Act, RoleGranted, RoleRevoked
from runtime.crypto.sealing import Unsealable
from runtime.waiting import until
from tests.integration.gateway.log import events_about, kinds_about
from tests.integration.gateway.opening import opened_reason
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.sse import stream
from tests.integration.gateway.world import ADMIN, Person, World, another_gateway

WHY = {"reason": "because the test says so"}
KEY = {"name": "first", "scopes": ["credits:read", "generations:read", "generations:write"]}
PROMOTION = {
    "code": "C0DE",
    "credits": 1,
    "redemptions_max": 1,
    "days": 1,
    "credits_days": 1,
    **WHY,
}
ADMIN_ROUTES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/admin/accounts/{id}", None),
    ("POST", "/admin/accounts/{id}/roles", {"role": "admin", **WHY}),
    ("POST", "/admin/accounts/{id}/roles/revoke", {"role": "admin", **WHY}),
    ("POST", "/admin/accounts/{id}/ban", WHY),
    ("POST", "/admin/accounts/{id}/unban", WHY),
    ("POST", "/admin/customers", {"customer": "x", **KEY, **WHY}),
    ("POST", "/admin/accounts/{id}/api-keys", {**KEY, **WHY}),
    ("GET", "/admin/accounts/{id}/api-keys", None),
    ("POST", "/admin/accounts/{id}/api-keys/{id}/revoke", WHY),
    ("POST", "/admin/accounts/{id}/goodwill", {"credits": 1, **WHY}),
    ("GET", "/admin/promotions", None),
    ("POST", "/admin/promotions", PROMOTION),
    ("POST", "/admin/promotions/{id}/close", WHY),
]


async def act(admin: Person, person: Person, what: str, **body: Any) -> dict[str, Any]:
    """Something that an admin does to somebody's account."""
    path = f"/admin/accounts/{person.account_id}/{what}"
    answer = await admin.post(path, json={**WHY, **body})
    assert answer.status_code in {200, 201}, answer.text
    return dict(answer.json())


@pytest.mark.parametrize(("method", "path", "body"), ADMIN_ROUTES)
async def test_only_admins_may(
    world: World, admin: Person, person: Person, method: str, path: str, body: Any
) -> None:
    """Nobody, a person, an auditor, an analyst and a key that may everything are all refused."""
    path = path.format(id=admin.account_id)
    is_problem(await world.client.request(method, path, json=body), 401, "token-missing")
    is_problem(
        await world.client.request(method, path, json=body, headers=person.authorization),
        403,
        "role-missing",
    )
    for role in ("auditor", "analyst"):
        await act(admin, person, "roles", role=role)
    scopes = ["generations:read", "generations:write", "credits:read", "credits:buy"]
    scopes += ["events:read", "webhooks:manage", "api-keys:manage"]
    made = (await person.post("/api-keys", json={"name": "all", "scopes": scopes})).json()
    for authorization in (person.authorization["Authorization"], f"Bearer {made['key']}"):
        answer = await world.client.request(
            method, path, json=body, headers={"Authorization": authorization}
        )
        is_problem(answer, 403, "role-missing")


async def test_a_role_is_granted_and_revoked_at_once(
    world: World, admin: Person, person: Person
) -> None:
    """A granted admin may administer with the token at hand, on every gateway; then no more."""
    path = f"/admin/accounts/{person.account_id}"
    async with another_gateway(world, admins=f"telegram:{ADMIN}") as other:
        clients = (world.client, other.client)

        async def all_answer(status: int) -> bool:
            answers = [await one.get(path, headers=person.authorization) for one in clients]
            return [one.status_code for one in answers] == [status, status]

        assert await all_answer(403)
        assert (await act(admin, person, "roles", role="admin"))["roles"] == ["admin"]
        await until(lambda: all_answer(200), 10, what="the role to be felt")
        assert (await act(admin, person, "roles/revoke", role="admin"))["roles"] == []
        await until(lambda: all_answer(403), 10, what="the role to be gone")


async def test_every_act_is_an_event(world: World, admin: Person, person: Person) -> None:
    """Each says who, why, and what was so before and after; what changes nothing is no event."""
    for what, body in (
        ("roles", {"role": "analyst"}),
        ("roles", {"role": "auditor"}),
        ("roles", {"role": "auditor"}),
        ("roles/revoke", {"role": "analyst"}),
        ("roles/revoke", {"role": "analyst"}),
        ("ban", {}),
        ("ban", {}),
        ("unban", {}),
        ("unban", {}),
    ):
        await act(admin, person, what, **body)
    told = [one for one in await events_about(world, person.account_id) if isinstance(one, Act)]
    assert [(type(one), one.before, one.after) for one in told] == [
        (RoleGranted, (), ("analyst",)),
        (RoleGranted, ("analyst",), ("analyst", "auditor")),
        (RoleRevoked, ("analyst", "auditor"), ("auditor",)),
        (AccountBanned, ("active",), ("banned",)),
        (AccountUnbanned, ("banned",), ("active",)),
    ]
    assert {one.actor for one in told} == {admin.account_id}
    assert all(one.reason is not None and "test says" not in one.reason for one in told)
    assert await opened_reason(world, person.account_id, 0) == WHY["reason"]
    with pytest.raises(Unsealable):
        await opened_reason(world, person.account_id, 0, field="name")


async def test_a_ban_is_felt_at_once_everywhere(
    world: World, admin: Person, person: Person
) -> None:
    """Tokens, keys, init data and streams of a banned account end on every gateway, until unbanned.

    The streams stay ended; whoever may, opens them again.
    """
    key = (await person.post("/api-keys", json=KEY)).json()["key"]
    path = f"/admin/accounts/{person.account_id}"
    async with another_gateway(world) as other:
        credentials = [person.authorization["Authorization"], f"Bearer {key}"]

        async def all_answer(status: int) -> bool:
            answers = [
                await client.get("/credits", headers={"Authorization": one})
                for one in credentials
                for client in (world.client, other.client)
            ]
            return {one.status_code for one in answers} == {status}

        assert await all_answer(200)
        async with stream(other.client, "/events", headers=person.authorization) as reader:
            assert await reader.next() is not None
            assert (await act(admin, person, "ban"))["status"] == "banned"
            answer = await world.client.get("/credits", headers=person.authorization)
            is_problem(answer, 403, "account-banned")
            while await reader.next() is not None:
                pass
        await until(lambda: all_answer(403), 10, what="the ban to be felt")
        login = await world.client.post(
            "/auth/login", json={"init_data": world.init_data(person.telegram_id, age_seconds=1)}
        )
        is_problem(login, 403, "account-banned")
        assert (await admin.get(path)).json()["status"] == "banned"
        await act(admin, person, "unban")
        await until(lambda: all_answer(200), 10, what="the ban to be lifted")


async def test_a_ban_outlives_the_account(world: World, admin: Person, person: Person) -> None:
    """Threat 16, of people: a banned person who was erased gets no new account."""
    await act(admin, person, "ban")
    await world.destroy_key(person)
    login = await world.client.post(
        "/auth/login", json={"init_data": world.init_data(person.telegram_id, age_seconds=1)}
    )
    is_problem(login, 403, "account-banned")


async def test_admins_are_not_banned_and_settings_are_not_overruled(
    admin: Person, person: Person
) -> None:
    """Who is an admin must lose the role first; what the settings give, nobody takes."""
    mine = f"/admin/accounts/{admin.account_id}"
    is_problem(await admin.post(f"{mine}/ban", json=WHY), 409, "account-is-admin")
    answer = await admin.post(f"{mine}/roles/revoke", json={"role": "admin", **WHY})
    is_problem(answer, 409, "role-from-settings")
    assert (await admin.get(mine)).json()["appointed_roles"] == ["admin"]
    await act(admin, person, "roles", role="admin")
    answer = await admin.post(f"/admin/accounts/{person.account_id}/ban", json=WHY)
    is_problem(answer, 409, "account-is-admin")


async def test_an_api_customer_needs_no_telegram(world: World, admin: Person) -> None:
    """An admin makes an account with a first key; it works, and is told in the log."""
    body = {**KEY, "customer": "Print Shop", "scopes": [*KEY["scopes"], "api-keys:manage"]}
    answer = await admin.post("/admin/customers", json={**body, **WHY})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    account, key = made["account"]["id"], made["api_key"]["key"]
    headers = {"Authorization": f"Bearer {key}"}
    balance = await world.client.get("/credits", headers=headers)
    assert balance.status_code == 200, balance.text
    assert balance.json()["available"] == 0
    child = await world.client.post("/api-keys", json=KEY, headers=headers)
    assert child.status_code == 201, child.text
    assert await kinds_about(world, account) == [
        "UserRegistered",
        "CustomerAdmitted",
        "ApiKeyCreated",
        "ApiKeyCreated",
    ]
    path = f"/admin/accounts/{account}/api-keys"
    second = await admin.post(path, json={**KEY, **WHY})
    assert second.status_code == 201, second.text
    listed = (await admin.get(path)).json()["items"]
    assert len(listed) == 3
    assert {one["name"] for one in listed} == {None}
    revoked = await admin.post(f"{path}/{second.json()['id']}/revoke", json=WHY)
    assert revoked.status_code == 204, revoked.text
    ban = await admin.post(f"/admin/accounts/{account}/ban", json=WHY)
    assert ban.json()["status"] == "banned"
    is_problem(await world.client.get("/credits", headers=headers), 403, "account-banned")


async def test_admins_cannot_act_as_a_person(admin: Person, person: Person) -> None:
    """No admin can make a key for a person's account, and so none can speak for a person."""
    path = f"/admin/accounts/{person.account_id}/api-keys"
    is_problem(await admin.post(path, json={**KEY, **WHY}), 409, "account-is-person")
    assert (await admin.get(path)).json() == {"items": []}


@pytest.mark.parametrize(("method", "path", "body"), ADMIN_ROUTES)
async def test_nobodys_account_is_not_found(
    admin: Person, method: str, path: str, body: Any
) -> None:
    """An id that no account has is 404, and makes nothing."""
    if "{id}" not in path:
        return
    headers = {**admin.authorization, "Idempotency-Key": "nobody"}
    answer = await admin.client.request(method, path.format(id=uuid4()), json=body, headers=headers)
    is_problem(answer, 404, "not-found")


@pytest.mark.parametrize(
    "body",
    [
        {"role": "admin"},
        {"role": "admin", "reason": ""},
        {"role": "user", **WHY},
        {"role": "root", **WHY},
        {"role": "admin", "actor": str(UUID(int=0)), **WHY},
    ],
    ids=str,
)
async def test_no_act_without_a_reason(admin: Person, person: Person, body: Any) -> None:
    """An act needs a reason and a role that exists, and takes no actor from the body."""
    path = f"/admin/accounts/{person.account_id}/roles"
    is_problem(await admin.post(path, json=body), 422, "invalid-request")
    assert (await admin.get(f"/admin/accounts/{person.account_id}")).json()["roles"] == []
