"""Limits by address, by sign-in, by account and at once; what every 429 says."""

from __future__ import annotations

import asyncio
import re

import httpx

from runtime.waiting import until
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.test_limits import request_head
from tests.integration.gateway.world import Gateway, Person, World, another_gateway

OUTSIDE = {"X-Forwarded-For": "203.0.113.9"}
ELSEWHERE = {"X-Forwarded-For": "203.0.113.10"}
PROXY = "127.0.0.1"


def is_limited(answer: httpx.Response, name: str, code: str = "too-many-requests") -> None:
    """Assert a 429 with all that it must say, in the syntax of the IETF's draft."""
    problem = is_problem(answer, 429, code)
    wait = int(answer.headers["Retry-After"])
    assert problem["retry_after"] == wait >= 1
    policy = re.fullmatch(
        r'"([a-z-]+)";q=(\d+)(?:;w=(\d+)|;qu="concurrent-requests")',
        answer.headers["RateLimit-Policy"],
    )
    assert policy is not None, answer.headers["RateLimit-Policy"]
    assert policy[1] == name
    assert answer.headers["RateLimit"] == f'"{name}";r=0;t={wait}'


async def test_an_address_is_limited(world: World, person: Person) -> None:
    """Beyond its quota an address is refused whoever it is, and another is not."""
    async with another_gateway(world, trusted_proxies=PROXY, limit_address_per_minute=5) as one:
        for _ in range(5):
            assert (await one.client.get("/styles", headers=OUTSIDE)).status_code == 200
        is_limited(await one.client.get("/styles", headers=OUTSIDE), "address")
        is_limited(
            await one.client.get("/credits", headers=OUTSIDE | person.authorization), "address"
        )
        assert (await one.client.get("/styles", headers=ELSEWHERE)).status_code == 200
        forged = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
        is_limited(await one.client.get("/styles", headers=forged), "address")


async def test_nobody_chooses_an_address_without_a_trusted_proxy(world: World) -> None:
    """Without `PIXELPOP_TRUSTED_PROXIES` the header moves nobody into a quota of his choice."""
    async with another_gateway(world, limit_address_per_minute=2) as one:
        for _ in range(5):
            assert (await one.client.get("/styles")).status_code == 200  # this machine is trusted
        for n in range(2):
            behind = {"X-Forwarded-For": f"203.0.113.{n}"}
            assert (await one.client.get("/styles", headers=behind)).status_code == 200
        is_limited(await one.client.get("/styles", headers=ELSEWHERE), "address")
        assert (await one.client.get("/styles")).status_code == 200


async def test_guessed_tickets_are_refused_credentials(world: World) -> None:
    """A ticket stands in the address, and who guesses it is stopped as for any credential."""
    async with another_gateway(world, trusted_proxies=PROXY, limit_failures_per_minute=3) as one:
        for n in range(3):
            answer = await one.client.get(f"/events?ticket=guess-{n}", headers=OUTSIDE)
            is_problem(answer, 401, "token-invalid")
        guess = await one.client.get("/events?ticket=guess", headers=OUTSIDE)
        is_limited(guess, "refused-credentials")
        is_problem(await one.client.get("/events", headers=OUTSIDE), 401, "token-missing")


async def test_sign_ins_from_an_address_are_limited(world: World) -> None:
    """The fourth sign-in of three is refused; other requests are not."""
    async with another_gateway(world, trusted_proxies=PROXY, limit_sign_ins_per_minute=3) as one:
        body = {"init_data": world.init_data(4_200_001)}
        for _ in range(5):  # a browser's preflights are none
            await one.client.options("/auth/login", headers=OUTSIDE)
        for _ in range(3):
            answer = await one.client.post("/auth/login", json=body, headers=OUTSIDE)
            assert answer.status_code != 429, answer.text
        is_limited(await one.client.post("/auth/login", json=body, headers=OUTSIDE), "sign-ins")
        assert (await one.client.get("/styles", headers=OUTSIDE)).status_code == 200


async def test_who_tries_credentials_is_stopped(world: World, person: Person) -> None:
    """After so many refused credentials an address may try no more; who is known goes on."""
    async with another_gateway(world, trusted_proxies=PROXY, limit_failures_per_minute=3) as one:
        known = OUTSIDE | person.authorization
        assert (await one.client.get("/credits", headers=known)).status_code == 200
        for n in range(3):
            wrong = OUTSIDE | {"Authorization": f"Bearer guess-{n}"}
            is_problem(await one.client.get("/credits", headers=wrong), 401, "token-invalid")
        wrong = OUTSIDE | {"Authorization": "Bearer guess-4"}
        is_limited(await one.client.get("/credits", headers=wrong), "refused-credentials")
        login = await one.client.post("/auth/login", json={"init_data": "x=y"}, headers=OUTSIDE)
        is_limited(login, "refused-credentials")
        assert (await one.client.get("/credits", headers=known)).status_code == 200
        is_problem(await one.client.get("/credits", headers=OUTSIDE), 401, "token-missing")


async def test_an_account_is_limited_from_wherever_it_asks(world: World, person: Person) -> None:
    """The coarse limit of an account counts all its requests, on the hot path too."""
    other = await world.person()
    async with another_gateway(world, limit_account_per_minute=4) as one:
        for _ in range(4):
            answer = await one.client.get("/credits", headers=person.authorization)
            assert answer.status_code == 200
        is_limited(await one.client.get("/credits", headers=person.authorization), "account")
        asked = await one.client.post(
            "/generations",
            json={"prompt": "x"},
            headers=person.authorization | {"Idempotency-Key": "k"},
        )
        is_limited(asked, "account")
        assert (await one.client.get("/credits", headers=other.authorization)).status_code == 200


async def test_what_is_written_for_an_account_is_bounded(world: World, person: Person) -> None:
    """The log keeps every change for ever, so nobody appends as fast as he can ask."""
    other = await world.person()
    async with another_gateway(world, limit_changes_per_hour=3) as one:
        key = {"name": "n", "scopes": ["api-keys:manage"]}
        made = await one.client.post("/api-keys", json=key, headers=person.authorization)
        for change in ({"notifications": False}, {"notifications": True}):
            answer = await one.client.patch("/me", json=change, headers=person.authorization)
            assert answer.status_code == 200, answer.text
        more = await one.client.patch("/me", json={}, headers=person.authorization)
        is_limited(more, "changes")
        by_key = {"Authorization": f"Bearer {made.json()['key']}"}
        is_limited(await one.client.post("/api-keys", json=key, headers=by_key), "changes")
        assert (await one.client.get("/me", headers=person.authorization)).status_code == 200
        asked = await one.client.post(
            "/generations",
            json={"kind": "image", "prompt": "x"},
            headers=person.authorization | {"Idempotency-Key": "k"},
        )
        assert asked.status_code == 202, asked.text
        answer = await one.client.patch("/me", json={}, headers=other.authorization)
        assert answer.status_code == 200


async def under_way(one: Gateway, requests: int) -> None:
    """Wait until so many requests are under way, as the gateway's own metrics tell."""
    line = f"pixelpop_gateway_requests_in_flight {requests + 1}.0"  # this one is one, too

    async def told() -> bool:
        return line in (await one.client.get("/metrics")).text

    await until(told, 10, what=f"{requests} requests under way")


async def test_an_account_holds_only_so_many_requests(world: World, person: Person) -> None:
    """With two of its requests under way the third is told to wait; an end makes room."""
    body = b'{"prompt":"held"}'
    async with another_gateway(world, limit_account_in_flight=2) as one:
        # So that the token is known there, and a request counts as soon as it is under way.
        assert (await one.client.get("/credits", headers=person.authorization)).status_code == 200
        held = []
        for n in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
            writer.write(request_head(person, len(body), f"held-{n}"))
            held.append((reader, writer))
        await under_way(one, len(held))
        third = await one.client.get("/credits", headers=person.authorization)
        is_limited(third, "account-at-once")
        for reader, writer in held:
            writer.write(body)
            assert b" 202 " in await reader.readline()
            writer.close()
        again = await one.client.get("/credits", headers=person.authorization)
        assert again.status_code == 200


async def test_an_address_holds_only_so_many_requests(world: World, person: Person) -> None:
    """Slow requests of one address fill its own room and nobody else's."""
    body = b'{"prompt":"held"}'
    async with another_gateway(world, trusted_proxies=PROXY, limit_address_in_flight=1) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        head = request_head(person, len(body), "address")
        writer.write(head.replace(b"Host: x", b"Host: x\r\nX-Forwarded-For: 203.0.113.9"))
        await under_way(one, 1)
        is_limited(await one.client.get("/styles", headers=OUTSIDE), "address-at-once")
        assert (await one.client.get("/styles", headers=ELSEWHERE)).status_code == 200
        writer.write(body)
        assert b" 202 " in await reader.readline()
        writer.close()
        assert (await one.client.get("/styles", headers=OUTSIDE)).status_code == 200


async def test_the_real_limit_says_the_same_of_itself(person: Person) -> None:
    """What the decider refuses and what the flood guard refuses carry the headers too."""
    answers = [await person.ask(key=f"much-{n}") for n in range(30)]
    refused = [answer for answer in answers if answer.status_code == 429]
    decided = [answer for answer in refused if "generation_id" in answer.json()]
    flooded = [answer for answer in refused if "generation_id" not in answer.json()]
    assert len(flooded) == 5
    for answer in flooded:
        is_limited(answer, "generations-asked-for", "rate-limited")
    for answer in decided:
        is_limited(answer, "generations", "rate-limited")
        assert answer.headers["RateLimit-Policy"] == '"generations";q=5;w=60'
