"""Bans and erasures end every kind of session at once, and all of a person's ways in."""

from __future__ import annotations

from typing import Any

import pytest_asyncio

from runtime.waiting import until
from tests.fakes.oidc_issuer import Issuer
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.proving import (
    link,
    link_id,
    login,
    new_telegram_id,
    oidc,
    signed_in,
    widget,
)
from tests.integration.gateway.world import Gateway, Person, World

WHY = {"reason": "because the test says so"}
Headers = list[dict[str, str]]


class Known:
    """Somebody of three identities, with a session by each proof that there is."""

    def __init__(self, first: Person, second: int, subject: str, sessions: Headers) -> None:
        self.first = first
        self.second = second
        """A further one of Telegram's."""
        self.subject = subject
        """At the issuer."""
        self.sessions = sessions


@pytest_asyncio.fixture(loop_scope="session")
async def known(world: World, open_gateway: Gateway, issuer: Issuer, person: Person) -> Known:
    """All of its sessions were used on both gateways, so both have them at hand."""
    second, subject = new_telegram_id(), f"known {person.telegram_id}"
    person.client = open_gateway.client
    proofs: list[dict[str, Any]] = [
        {"login_widget": widget(world, second)},
        {"oidc": await oidc(open_gateway, issuer, subject)},
    ]
    for proof in proofs:
        assert (await link(person, **proof)).status_code == 201
    by_widget = await signed_in(world.client, login_widget=widget(world, second))
    data = await oidc(open_gateway, issuer, subject)
    by_issuer = await signed_in(open_gateway.client, oidc=data)
    sessions = [one.authorization for one in (person, by_widget, by_issuer)]
    sessions += [
        {"Authorization": f"tma {world.init_data(one)}"} for one in (person.telegram_id, second)
    ]
    made = Known(person, second, subject, sessions)
    assert await answers(world, open_gateway, made) == {200}
    return made


async def answers(world: World, open_gateway: Gateway, known: Known) -> set[int]:
    """What the sessions get, on both gateways."""
    return {
        (await client.get("/credits", headers=one)).status_code
        for one in known.sessions
        for client in (world.client, open_gateway.client)
    }


async def ways_in(
    world: World, open_gateway: Gateway, issuer: Issuer, known: Known
) -> list[dict[str, Any]]:
    """A new proof of every kind, and of every identity."""
    return [
        {"init_data": world.init_data(known.first.telegram_id)},
        {"login_widget": widget(world, known.first.telegram_id)},
        {"init_data": world.init_data(known.second)},
        {"login_widget": widget(world, known.second)},
        {"oidc": await oidc(open_gateway, issuer, known.subject)},
    ]


async def test_a_ban_ends_every_kind_of_session(
    world: World, open_gateway: Gateway, issuer: Issuer, admin: Person, known: Known
) -> None:
    """A ban is felt at once, on other gateways once they are told of it; lifted, all go on."""
    path = f"/admin/accounts/{known.first.account_id}"
    assert (await admin.post(f"{path}/ban", json=WHY)).is_success
    for one in known.sessions:
        answer = await world.client.get("/credits", headers=one)
        is_problem(answer, 403, "account-banned")

    async def all_get(status: int) -> bool:
        return await answers(world, open_gateway, known) == {status}

    await until(lambda: all_get(403), 10, what="the ban to be felt on both gateways")
    for proof in await ways_in(world, open_gateway, issuer, known):
        is_problem(await login(open_gateway.client, **proof), 403, "account-banned")
    assert (await admin.post(f"{path}/unban", json=WHY)).is_success
    await until(lambda: all_get(200), 10, what="the ban to be lifted on both gateways")
    for proof in await ways_in(world, open_gateway, issuer, known):
        found = await signed_in(open_gateway.client, **proof)
        assert found.account_id == known.first.account_id


async def test_an_erasure_ends_every_kind_of_session(
    world: World, open_gateway: Gateway, known: Known
) -> None:
    """Threat 16: no token, header or data of an erased account opens anything, on any gateway."""
    answer = await known.first.delete("/me")
    assert answer.is_success, answer.text
    codes = ["account-erased"] * 3 + ["proof-used"] * 2
    for one, code in zip(known.sessions, codes, strict=True):
        answer = await open_gateway.client.get("/credits", headers=one)
        is_problem(answer, 401, code)
        data = {"login_widget": widget(world, new_telegram_id())}
        answer = await open_gateway.client.post("/me/identities", json=data, headers=one)
        is_problem(answer, 401, code)

    async def all_refused() -> bool:
        return await answers(world, open_gateway, known) == {401}

    await until(all_refused, 10, what="the erasure to be felt on both gateways")


async def test_data_of_before_makes_no_account_after(world: World, person: Person) -> None:
    """Threat 16: a MiniApp left open does not undo an erasure, whichever way it signed in.

    Neither its init data nor, with its session key, its proof makes the person's next account;
    that takes a new one.
    """
    direct = {"Authorization": f"tma {world.init_data(person.telegram_id)}"}
    assert (await world.client.get("/credits", headers=direct)).status_code == 200
    data = widget(world, person.telegram_id)
    assert (await login(world.client, login_widget=data, session_key="k" * 32)).is_success
    assert (await person.delete("/me")).is_success
    is_problem(await world.client.get("/credits", headers=direct), 401, "proof-used")
    again = await login(world.client, login_widget=data, session_key="k" * 32)
    is_problem(again, 401, "proof-used")
    found = await world.person(telegram_id=person.telegram_id)
    assert found.account_id != person.account_id
    is_problem(
        await world.client.get("/credits", headers=person.authorization), 401, "account-erased"
    )


async def test_whose_account_is_erased_comes_back_as_somebody_new(
    world: World, open_gateway: Gateway, issuer: Issuer, known: Known
) -> None:
    """Nothing ties the identities of an erased account together; who was welcomed is not again."""
    await known.first.delete("/me")
    await world.destroy_key(known.first)  # as the eraser does
    again = await world.person(telegram_id=known.first.telegram_id)
    data = await oidc(open_gateway, issuer, known.subject)
    elsewhere = await signed_in(open_gateway.client, oidc=data)
    second = await world.person(telegram_id=known.second)
    accounts = {one.account_id for one in (known.first, again, elsewhere, second)}
    assert len(accounts) == 4
    assert again.login["balance"]["available"] == elsewhere.login["balance"]["available"] == 0


async def test_a_banned_person_is_linked_nowhere(
    world: World, admin: Person, known: Known, person: Person
) -> None:
    """Nobody takes a banned person in: linking is no way around a ban, nor is unlinking before."""
    banned = await world.person()
    freed = new_telegram_id()
    assert (await link(banned, login_widget=widget(world, freed))).status_code == 201
    await banned.delete(f"/me/identities/{await link_id(banned, freed)}")
    path = f"/admin/accounts/{banned.account_id}"
    assert (await admin.post(f"{path}/ban", json=WHY)).is_success
    for one in (banned.telegram_id, freed):
        data = widget(world, one)
        is_problem(await link(known.first, login_widget=data), 403, "account-banned")
        data = widget(world, one)
        is_problem(await login(world.client, login_widget=data), 403, "account-banned")
    await world.destroy_key(banned)
    data = widget(world, banned.telegram_id)
    is_problem(await link(known.first, login_widget=data), 403, "account-banned")
    assert (await known.first.get("/credits")).status_code == 200
