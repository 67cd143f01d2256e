"""Threat 10: sign-in data that somebody overheard opens nothing."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl, urlencode

import httpx

from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.world import Person, World

OWN = "k" * 32


async def _login(world: World, data: str, **rest: str) -> httpx.Response:
    return await world.client.post("/auth/login", json={"init_data": data, **rest})


async def test_10_replayed_data_opens_no_second_session(world: World, person: Person) -> None:
    """Threat 10: used once, init data is refused, however it is spelled or sent again."""
    data = world.init_data(person.telegram_id)
    assert (await _login(world, data, session_key=OWN)).status_code == 200
    for text in (data, urlencode(parse_qsl(data)[::-1])):
        is_problem(await _login(world, text), 401, "proof-used")
        is_problem(await _login(world, text, session_key="x" * 32), 401, "proof-used")
        direct = await world.client.get("/credits", headers={"Authorization": f"tma {text}"})
        is_problem(direct, 401, "proof-used")
    assert (await _login(world, data, session_key=OWN)).status_code == 200
    assert (await person.get("/credits")).status_code == 200


async def test_10_data_sent_directly_opens_no_session(world: World, person: Person) -> None:
    """Threat 10: data that comes with every request signs nobody in who overheard it."""
    data = world.init_data(person.telegram_id)
    direct = {"Authorization": f"tma {data}"}
    assert (await world.client.get("/credits", headers=direct)).status_code == 200
    is_problem(await _login(world, data, session_key=OWN), 401, "proof-used")
    assert (await world.client.get("/credits", headers=direct)).status_code == 200


async def test_10_of_many_at_once_one_gets_in(world: World) -> None:
    """Threat 10: the same data twenty times at once, of somebody new, is one session."""
    data = world.init_data(990_010)
    answers = await asyncio.gather(*(_login(world, data) for _ in range(20)))
    assert sorted(one.status_code for one in answers) == [200, *[401] * 19]
