"""Several identities for one account: shown, linked, unlinked, and nothing gained by it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from events.accounts import DebtCarried
from events.ids import SourceId, derive, fact_id
from runtime.waiting import until
from tests.fakes.oidc_issuer import Issuer
from tests.integration.gateway.log import events_about
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.proving import (
    link,
    link_id,
    login,
    new_telegram_id,
    oidc,
    old_token,
    signed_in,
    subjects,
    widget,
)
from tests.integration.gateway.world import Gateway, Person, World

ANY = "6f1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
KEY = {"name": "all", "scopes": ["generations:read", "credits:read", "api-keys:manage"]}


async def with_second(world: World, person: Person) -> int:
    """Link one more of Telegram's people, never seen before, to somebody's account."""
    second = new_telegram_id()
    answer = await link(person, login_widget=widget(world, second))
    assert answer.status_code == 201, answer.text
    return second


def codes(answers: list[httpx.Response]) -> list[str]:
    """Statuses, and of refusals their codes."""
    return sorted(
        str(one.status_code) if one.is_success else one.json()["type"].rpartition("/")[2]
        for one in answers
    )


async def test_a_linked_identity_signs_in_to_the_same_account(world: World, person: Person) -> None:
    """Linked, it opens the account by every proof of it, with its credits and no other welcome."""
    second = new_telegram_id()
    answer = await link(person, login_widget=widget(world, second))
    assert answer.status_code == 201
    document = answer.json()
    assert (document["provider"], document["subject_id"]) == ("telegram", str(second))
    assert document["issuer"] is None
    assert await subjects(person) == [str(person.telegram_id), str(second)]
    for proof in (
        {"login_widget": widget(world, second)},
        {"init_data": world.init_data(second)},
    ):
        found = await signed_in(world.client, **proof)
        assert found.account_id == person.account_id
        assert found.login["user"]["telegram_id"] == second
        assert found.login["balance"]["available"] == 5
    assert (await world.person(telegram_id=person.telegram_id)).account_id == person.account_id
    told = [type(one).__name__ for one in await events_about(world, person.account_id)]
    assert told.count("UserRegistered") == 1


async def test_linking_again_is_the_same(world: World, person: Person) -> None:
    """What is linked already stays as it is, and the answer says so by 200."""
    second = await with_second(world, person)
    again = await link(person, init_data=world.init_data(second))
    assert again.status_code == 200
    assert again.json()["id"] == await link_id(person, second)
    own = await link(person, init_data=world.init_data(person.telegram_id))
    assert (own.status_code, own.json()["subject_id"]) == (200, str(person.telegram_id))
    assert await subjects(person) == [str(person.telegram_id), str(second)]


async def test_an_identity_of_another_account(world: World, person: Person) -> None:
    """Accounts are not merged: who signs in elsewhere goes on signing in there."""
    other = await world.person()
    for proof in (
        {"init_data": world.init_data(other.telegram_id)},
        {"login_widget": widget(world, other.telegram_id)},
    ):
        is_problem(await link(person, **proof), 409, "identity-taken")
    assert await subjects(person) == [str(person.telegram_id)]
    assert (await world.person(telegram_id=other.telegram_id)).account_id == other.account_id


async def test_the_last_identity_stays(world: World, person: Person) -> None:
    """Nobody locks themselves out."""
    path = f"/me/identities/{await link_id(person, person.telegram_id)}"
    is_problem(await person.delete(path), 409, "identity-last")
    assert (await world.person(telegram_id=person.telegram_id)).account_id == person.account_id


async def test_an_unlinked_identity_makes_an_account_without_a_welcome(
    world: World, person: Person
) -> None:
    """Who was welcomed is not welcomed again by unlinking; the account stays with the other one."""
    second = await with_second(world, person)
    answer = await person.delete(f"/me/identities/{await link_id(person, person.telegram_id)}")
    assert answer.status_code == 204, answer.text
    assert await subjects(person) == [str(second)]
    again = await world.person(telegram_id=person.telegram_id)
    assert again.account_id != person.account_id
    assert again.login["balance"]["available"] == 0
    registered: Any = (await events_about(world, again.account_id))[0]
    assert registered.welcome_credits == 0
    there = await signed_in(world.client, login_widget=widget(world, second))
    assert (there.account_id, there.login["balance"]["available"]) == (person.account_id, 5)
    is_problem(await link(again, login_widget=widget(world, second)), 409, "identity-taken")


async def test_welcomes_are_not_multiplied(world: World, person: Person) -> None:
    """Linked here and there in turn, two of Telegram's people get two welcomes and no third."""
    second = await with_second(world, person)
    await person.delete(f"/me/identities/{await link_id(person, second)}")
    other = await world.person(telegram_id=second)
    third = await with_second(world, other)
    await other.delete(f"/me/identities/{await link_id(other, second)}")
    assert (await link(person, init_data=world.init_data(second))).status_code == 201
    await person.delete(f"/me/identities/{await link_id(person, person.telegram_id)}")
    last = await world.person(telegram_id=person.telegram_id)
    balances = [(await one.get("/credits")).json()["available"] for one in (person, other, last)]
    assert (balances, await subjects(other)) == ([5, 5, 0], [str(third)])


async def test_identities_of_others_are_not_to_be_had(world: World, person: Person) -> None:
    """Nobody sees or unlinks an identity that is somebody else's, nor one that is none."""
    other = await world.person()
    second = await with_second(world, other)
    for name in (await link_id(other, second), ANY, "5", "x" * 200):
        is_problem(await person.delete(f"/me/identities/{name}"), 404, "not-found")
    assert await subjects(other) == [str(other.telegram_id), str(second)]
    assert str(second) not in (await person.get("/me/identities")).text


async def test_who_owes_unlinks_nobody(world: World, person: Person) -> None:
    """Nobody sheds a debt by unlinking who they are; linking stays possible."""
    debt = SourceId(derive("test-debt", person.account_id))
    event = DebtCarried(
        account_id=person.account_id,
        occurred_at_ms=world.clock.now_ms(),
        source_id=debt,
        credits=8,
    )
    await world.append(event, fact_id(debt, "carried"))

    async def owes() -> bool:
        return bool((await person.get("/credits")).json()["debt"])

    await until(owes, 10, what="the debt to be known")
    second = await with_second(world, person)
    for one in (second, person.telegram_id):
        answer = await person.delete(f"/me/identities/{await link_id(person, one)}")
        problem = is_problem(answer, 409, "identity-owes")
        assert "3 credits" in problem["detail"]


async def test_a_sign_in_from_long_ago_is_not_enough(world: World, person: Person) -> None:
    """A token or a proof that was stolen long ago links and unlinks nobody; a new proof may."""
    second = await with_second(world, person)
    path = f"/me/identities/{await link_id(person, second)}"
    tma = {"Authorization": f"tma {world.init_data(person.telegram_id, age_seconds=700)}"}
    data = widget(world, person.telegram_id, age_seconds=700)
    by_old = await signed_in(world.client, login_widget=data, session_key="k" * 32)
    again = await signed_in(world.client, login_widget=data, session_key="k" * 32)
    sessions = [one.authorization for one in (by_old, again)]
    for old in (old_token(world, person.account_id, age_seconds=700), tma, *sessions):
        body = {"login_widget": widget(world, second)}
        answer = await world.client.post("/me/identities", json=body, headers=old)
        is_problem(answer, 403, "sign-in-too-old")
        is_problem(await world.client.delete(path, headers=old), 403, "sign-in-too-old")
        assert (await world.client.get("/me/identities", headers=old)).status_code == 200
        assert (await link(person, **body)).status_code == 200  # it was not used up
    recent = {"Authorization": f"tma {world.init_data(person.telegram_id, age_seconds=60)}"}
    assert (await world.client.delete(path, headers=recent)).status_code == 204


async def test_an_api_key_has_nothing_to_do_with_identities(world: World, person: Person) -> None:
    """Only a person's own session sees, links and unlinks; without one there is nothing."""
    key = (await person.post("/api-keys", json=KEY)).json()["key"]
    path = f"/me/identities/{await link_id(person, person.telegram_id)}"
    body = {"login_widget": widget(world, new_telegram_id())}
    for headers, status, code in (
        ({"Authorization": f"Bearer {key}"}, 403, "scope-missing"),
        ({}, 401, "token-missing"),
    ):
        for method, where in (
            ("GET", "/me/identities"),
            ("POST", "/me/identities"),
            ("DELETE", path),
        ):
            json = body if method == "POST" else None
            answer = await world.client.request(method, where, json=json, headers=headers)
            is_problem(answer, status, code)
    assert await subjects(person) == [str(person.telegram_id)]


async def test_10_a_proof_links_or_signs_in_once(world: World, person: Person) -> None:
    """Threat 10: what linked opens no session, and what opened a session links nothing."""
    second = new_telegram_id()
    data = widget(world, second)
    assert (await link(person, login_widget=data)).status_code == 201
    for session_key in ({}, {"session_key": "k" * 32}):
        answer = await login(world.client, login_widget=data, **session_key)
        is_problem(answer, 401, "proof-used")
    other = await world.person()
    used = world.init_data(other.telegram_id)
    assert (await login(world.client, init_data=used, session_key="k" * 32)).status_code == 200
    is_problem(await link(other, init_data=used), 401, "proof-used")
    is_problem(await link(other, init_data=used, session_key="k" * 32), 422, "invalid-request")


@pytest.mark.parametrize("body", [{}, {"init_data": ""}, {"login_widget": {}}, {"id": 5}], ids=str)
async def test_a_body_without_a_proof(person: Person, body: dict[str, Any]) -> None:
    """Whoever proves nothing links nothing."""
    is_problem(await link(person, **body), 422, "invalid-request")


async def test_a_forged_proof_links_nobody(world: World, person: Person) -> None:
    """What Telegram did not sign, or too long ago, is refused as at a sign-in."""
    other = new_telegram_id()
    forged = widget(world, other) | {"id": other + 1}
    is_problem(await link(person, login_widget=forged), 401, "init-data-invalid")
    old = widget(world, other, age_seconds=90_000)
    is_problem(await link(person, login_widget=old), 401, "init-data-expired")
    assert await subjects(person) == [str(person.telegram_id)]


async def test_of_two_accounts_at_once_one_gets_the_identity(world: World) -> None:
    """However often two accounts link the same identity at once, it signs in to exactly one."""
    people = [await world.person() for _ in range(2)]
    for _ in range(5):
        wanted = new_telegram_id()
        answers = await asyncio.gather(
            *(link(one, login_widget=widget(world, wanted)) for one in people * 3)
        )
        mine = [answers[index::2] for index in range(2)]
        winner = 0 if mine[0][0].is_success else 1
        assert codes(mine[winner]) == ["200", "200", "201"]
        assert codes(mine[1 - winner]) == ["identity-taken"] * 3
        found = await signed_in(world.client, login_widget=widget(world, wanted))
        assert found.account_id == people[winner].account_id
        await people[winner].delete(f"/me/identities/{await link_id(people[winner], wanted)}")


async def test_linked_while_it_signs_in_for_the_first_time(world: World, person: Person) -> None:
    """Either it is linked, or it has an account of its own; never both, and never twice."""
    for _ in range(5):
        wanted = new_telegram_id()
        linked, *logins = await asyncio.gather(
            link(person, login_widget=widget(world, wanted)),
            *(login(world.client, login_widget=widget(world, wanted)) for _ in range(3)),
        )
        (account_id,) = {one.json()["user"]["id"] for one in logins}
        assert codes([linked]) == ["201" if account_id == person.account_id else "identity-taken"]
        if linked.is_success:
            await person.delete(f"/me/identities/{await link_id(person, wanted)}")


async def test_of_two_last_identities_one_stays(world: World, person: Person) -> None:
    """Two unlinked at once leave one: the account can always be signed in to."""
    for _ in range(3):
        second = await with_second(world, person)
        ids = [await link_id(person, one) for one in await subjects(person)]
        answers = await asyncio.gather(*(person.delete(f"/me/identities/{one}") for one in ids))
        assert codes(list(answers)) == ["204", "identity-last"]
        (left,) = await subjects(person)
        assert left in {str(person.telegram_id), str(second)}
        person = await world.person(telegram_id=int(left))


async def test_there_are_so_many_and_no_more(
    world: World, open_gateway: Gateway, issuer: Issuer, person: Person
) -> None:
    """Of many linked at once, as many are taken as the setting says, whatever they are."""
    person.client = open_gateway.client
    answers = await asyncio.gather(
        *(link(person, login_widget=widget(world, new_telegram_id())) for _ in range(4)),
        link(person, oidc=await oidc(open_gateway, issuer, f"many {person.telegram_id}")),
    )
    assert codes(list(answers)) == ["201", "201", *["too-many-identities"] * 3]
    assert len(await subjects(person)) == 3
    known = await link(person, init_data=world.init_data(person.telegram_id))
    assert known.status_code == 200  # nothing is added
