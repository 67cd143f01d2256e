"""Signing in by the Telegram Login Widget, in a browser outside Telegram."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.proving import login, new_telegram_id, signed_in, widget
from tests.integration.gateway.world import Person, World, another_gateway

OWN = "k" * 32


async def test_the_same_person_by_widget_and_by_init_data(world: World, person: Person) -> None:
    """Who comes by the widget is who comes by the MiniApp: the same account, welcomed once."""
    by_widget = await signed_in(world.client, login_widget=widget(world, person.telegram_id))
    assert by_widget.account_id == person.account_id
    assert by_widget.login["balance"]["available"] == 5
    assert (await by_widget.get("/credits")).json()["available"] == 5
    first = await signed_in(
        world.client, login_widget=widget(world, new_telegram_id(), last_name="Lovelace")
    )
    assert first.login["balance"]["available"] == 5
    assert first.login["user"]["last_name"] == "Lovelace"
    again = await world.person(telegram_id=first.telegram_id)
    assert (again.account_id, again.login["balance"]["available"]) == (first.account_id, 5)


async def test_10_replayed_data_opens_no_second_session(world: World, person: Person) -> None:
    """Threat 10: used once, the widget's data is refused, but for whoever has its session key."""
    data = widget(world, person.telegram_id)
    assert (await login(world.client, login_widget=data, session_key=OWN)).status_code == 200
    for fields in (data, dict(reversed(data.items()))):
        is_problem(await login(world.client, login_widget=fields), 401, "proof-used")
        answer = await login(world.client, login_widget=fields, session_key="x" * 32)
        is_problem(answer, 401, "proof-used")
    assert (await login(world.client, login_widget=data, session_key=OWN)).status_code == 200


async def test_10_of_many_at_once_one_gets_in(world: World) -> None:
    """Threat 10: the same data twenty times at once, of somebody new, is one session."""
    data = widget(world, new_telegram_id())
    answers = await asyncio.gather(*(login(world.client, login_widget=data) for _ in range(20)))
    assert sorted(one.status_code for one in answers) == [200, *[401] * 19]


async def test_many_first_sign_ins_at_once(world: World) -> None:
    """Each with a proof of its own, all of them get in, to one account that is welcomed once."""
    wanted = new_telegram_id()
    proofs = [widget(world, wanted) for _ in range(world.settings.streams_per_account_max + 5)]
    people = await asyncio.gather(
        *(signed_in(world.client, login_widget=proof) for proof in proofs)
    )
    assert len({one.account_id for one in people}) == 1
    assert (await people[0].get("/credits")).json()["granted"] == 5


async def test_the_two_schemes_are_not_exchangeable(world: World, person: Person) -> None:
    """The widget's data is no init data and opens nothing directly, and not reversed."""
    data = widget(world, person.telegram_id)
    text = urlencode(data)
    is_problem(await login(world.client, init_data=text), 401, "init-data-invalid")
    direct = await world.client.get("/credits", headers={"Authorization": f"tma {text}"})
    is_problem(direct, 401, "init-data-invalid")
    pairs: dict[str, Any] = dict(parse_qsl(world.init_data(person.telegram_id)))
    pairs |= {"auth_date": int(pairs["auth_date"]), "id": person.telegram_id}
    is_problem(await login(world.client, login_widget=pairs), 401, "init-data-invalid")
    assert (await login(world.client, login_widget=data)).status_code == 200


async def test_data_that_signs_nobody_in(world: World, person: Person) -> None:
    """What is too old, of the future, altered or short of anything is refused, and says which."""
    data = widget(world, person.telegram_id)
    for fields, code in (
        (widget(world, person.telegram_id, age_seconds=90_000), "init-data-expired"),
        (widget(world, person.telegram_id, age_seconds=-90_000), "init-data-expired"),
        ({**data, "id": person.telegram_id + 1}, "init-data-invalid"),
        ({**data, "auth_date": str(data["auth_date"])}, "init-data-invalid"),
        ({**data, "first_name": "Eve\nid=1"}, "init-data-invalid"),
        ({**data, "hash": str(data["hash"]).upper()}, "init-data-invalid"),
        ({name: value for name, value in data.items() if name != "hash"}, "init-data-invalid"),
    ):
        is_problem(await login(world.client, login_widget=fields), 401, code)
    assert (await login(world.client, login_widget=data)).status_code == 200


@pytest.mark.parametrize(
    "value", [True, 1.5, None, [], {}, -1, 2**53, "x" * 2049], ids=lambda one: str(one)[:9]
)
async def test_a_body_that_no_widget_makes(world: World, person: Person, value: Any) -> None:
    """Values that no widget sends are refused by their form, before anything is compared."""
    fields = widget(world, person.telegram_id) | {"photo_url": value}
    is_problem(await login(world.client, login_widget=fields), 422, "invalid-request")


async def test_fields_given_twice(world: World, person: Person) -> None:
    """Threat 4: a body that names one field twice is refused: which one was meant?"""
    text = '{"login_widget": {"id": 1, "\\u0069d": 2}}'
    headers = {"Content-Type": "application/json"}
    answer = await world.client.post("/auth/login", content=text, headers=headers)
    assert is_problem(answer, 422, "invalid-request")["errors"][0]["field"] == "id"


async def test_one_proof_and_no_two(world: World, person: Person) -> None:
    """Two proofs in one body are refused, and neither is used up by that."""
    proofs = {
        "login_widget": widget(world, person.telegram_id),
        "init_data": world.init_data(person.telegram_id),
    }
    is_problem(await login(world.client, **proofs), 422, "invalid-request")
    for name, proof in proofs.items():
        assert (await login(world.client, **{name: proof})).status_code == 200


async def test_a_service_may_do_without_the_widget(world: World, person: Person) -> None:
    """Where it is switched off, right data signs nobody in and links nobody; others still do."""
    async with another_gateway(world, login_widget=False) as other:
        data = widget(world, person.telegram_id)
        is_problem(await login(other.client, login_widget=data), 501, "login-widget-off")
        answer = await other.client.post(
            "/me/identities", json={"login_widget": data}, headers=person.authorization
        )
        is_problem(answer, 501, "login-widget-off")
        init_data = world.init_data(person.telegram_id)
        assert (await login(other.client, init_data=init_data)).status_code == 200
    assert (await login(world.client, login_widget=data)).status_code == 200
