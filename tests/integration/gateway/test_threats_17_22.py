"""The API as an attacker meets it (threats 17 to 22): clear refusals, and nothing is charged."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter, defaultdict

import aiohttp
import asyncpg
import pytest

from events.credits import CreditsReserved
from events.generations import GenerationRejected, GenerationRequested
from runtime.waiting import until
from tests.integration.gateway.log import whole_log
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.world import Person, World, another_gateway, gateway_process

ANY = "6f1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
JSON = {"Content-Type": "application/json"}


async def balance(person: Person) -> int:
    return int((await person.get("/credits")).json()["available"])


async def test_17_what_belongs_to_somebody_else_is_not_there(world: World, person: Person) -> None:
    """Threat 17: another's generation, picture, stream, upload and receipt are 404, untouched."""
    other = await world.person()
    made = (await person.ask()).json()["id"]
    await world.start(person, made)
    await world.complete(person, made)

    async def done() -> bool:
        return bool((await person.get(f"/generations/{made}")).json()["status"] == "done")

    await until(done, 20, what="the picture")
    before = (await person.get(f"/generations/{made}")).json()
    image = before["images"][0]["id"]
    for method, path in (
        ("GET", f"/generations/{made}"),
        ("POST", f"/generations/{made}/cancel"),
        ("DELETE", f"/generations/{made}"),
        ("POST", f"/generations/{made}/restore"),
        ("GET", f"/generations/{made}/events"),
        ("DELETE", f"/images/{image}"),
        ("POST", f"/images/{image}/restore"),
        ("GET", f"/credits/receipts/{made}"),
        ("POST", f"/uploads/{made}/complete"),
    ):
        answer = await world.client.request(method, path, headers=other.authorization)
        is_problem(answer, 404, "not-found")
        assert made not in answer.text.replace(answer.json()["instance"], "")
    assert (await other.get("/generations")).json()["items"] == []
    after = (await person.get(f"/generations/{made}")).json()
    for document in (before, after):  # addresses are signed anew
        for one in document["images"]:
            del one["url"], one["preview_url"]
    assert after == before


@pytest.mark.parametrize("field", ["credits", "user_id", "account_id", "price", "status"])
@pytest.mark.parametrize("path", ["/generations", "/purchases"])
async def test_18_nobody_says_who_he_is_or_what_it_costs(
    person: Person, path: str, field: str
) -> None:
    """Threat 18: `credits` or `user_id` in a body is refused by name, and nothing is charged."""
    body = {"prompt": "a cat"} if path == "/generations" else {"pack_id": "starter"}
    answer = await person.post(
        path, json=body | {field: ANY}, headers={"Idempotency-Key": "threat-18"}
    )
    problem = is_problem(answer, 422, "invalid-request")
    assert problem["errors"][0]["field"] == field
    assert await balance(person) == 5


async def test_19_one_key_of_two_users_is_two_requests(world: World, person: Person) -> None:
    """Threat 19: the same Idempotency-Key of two accounts names two generations, each its own."""
    other = await world.person()
    mine, yours = await asyncio.gather(
        person.ask(key="shared", prompt="mine"), other.ask(key="shared", prompt="yours")
    )
    assert mine.status_code == yours.status_code == 202
    assert mine.json()["id"] != yours.json()["id"]
    again = await other.ask(key="shared", prompt="yours")
    assert (again.json()["id"], again.json()["prompt"]) == (yours.json()["id"], "yours")
    is_problem(await other.get(f"/generations/{mine.json()['id']}"), 404, "not-found")


async def test_20_a_key_with_another_body_is_refused(person: Person) -> None:
    """Threat 20: a key reused with another body is 422, one after the other and at once."""
    first = await person.ask(key="once", prompt="the first")
    assert first.status_code == 202
    problem = is_problem(
        await person.ask(key="once", prompt="the second"), 422, "idempotency-key-reused"
    )
    assert problem["generation_id"] == first.json()["id"]
    answers = await asyncio.gather(
        *(person.ask(key="at-once", prompt=f"wish {n % 2}") for n in range(10))
    )
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses == {202: 5, 422: 5}
    assert await balance(person) == 3


@pytest.mark.parametrize(
    "value",
    ["-1", "1.5", "1e3", "NaN", "Infinity", "-Infinity", "1" + "0" * 400, '"2"', "true"],
)
@pytest.mark.parametrize("field", ["count", "seed"])
async def test_21_amounts_are_small_whole_numbers(person: Person, field: str, value: str) -> None:
    """Threat 21: negative, huge, float and NaN amounts are refused, and nothing is charged."""
    answer = await person.post(
        "/generations",
        content=f'{{"prompt":"x","{field}":{value}}}'.encode(),
        headers=JSON | {"Idempotency-Key": "threat-21"},
    )
    assert answer.status_code in {400, 422}, answer.text
    code = "malformed-json" if answer.status_code == 400 else "invalid-request"
    is_problem(answer, answer.status_code, code)
    assert await balance(person) == 5


@pytest.mark.parametrize("path", ["/generations", "/auth/login", "/purchases"])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"[" * 60_000, 400, "body-too-deep"),
        (b'{"a":' * 10_000, 400, "body-too-deep"),
        (b'{"prompt":' + b"[" * 33 + b"]" * 33 + b"}", 400, "body-too-deep"),
        (b"[" * 20 + b"{}," * 20 + b'"' + b'\\"' * 30_000, 422, "invalid-request"),
    ],
    ids=["arrays", "objects", "one too deep", "a string that never ends"],
)
async def test_22_deeply_nested_bodies(
    person: Person, path: str, body: bytes, status: int, code: str
) -> None:
    """Threat 22: nesting is refused at once, before anything follows it down."""
    headers = JSON | {"Idempotency-Key": "threat-22"}
    async with asyncio.timeout(10):
        is_problem(await person.post(path, content=body, headers=headers), status, code)


HUGE = (
    b"POST /generations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Idempotency-Key: huge\r\nAuthorization: Bearer %b\r\n%b\r\n\r\n"
)


async def test_22_a_body_of_a_gigabyte_that_is_announced(world: World, person: Person) -> None:
    """Threat 22: 1 GB is refused before it is sent, though the client only waits."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(HUGE % (person.token.encode(), b"Content-Length: 1073741824"))
    async with asyncio.timeout(8):
        said = await reader.readuntil(b"}")
    writer.close()
    assert said.startswith(b"HTTP/1.1 413 ")
    assert b"/problems/body-too-large" in said
    assert await balance(person) == 5


async def test_22_a_body_of_a_gigabyte_in_pieces(world: World, person: Person) -> None:
    """Threat 22: 1 GB without a length is cut off early, and nobody else notices."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(HUGE % (person.token.encode(), b"Transfer-Encoding: chunked"))
    answer = asyncio.create_task(reader.read(65_536))
    sent = 0
    try:
        async with asyncio.timeout(30):
            while sent < 2**30 and not answer.done():
                writer.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")
                await writer.drain()
                sent += 65_536
            said = await answer
    except ConnectionError:
        said = b""  # cut off while it was still sending
    finally:
        answer.cancel()
        writer.close()
    assert said == b"" or said.startswith(b"HTTP/1.1 413 ")
    assert sent < 2**26
    assert await balance(person) == 5


async def test_22_a_slow_body(world: World, person: Person) -> None:
    """Threat 22: a body that trickles is given up after a time that no trickle prolongs."""
    async with another_gateway(world, body_timeout_seconds=0.5) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        head = (
            "POST /generations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: slow\r\nAuthorization: Bearer {person.token}\r\n"
            "Content-Length: 60000\r\n\r\n"
        )
        writer.write(head.encode())
        answer = asyncio.create_task(reader.readline())
        try:
            for _ in range(1000):
                writer.write(b" ")
                await asyncio.wait({answer}, timeout=0.05)
                if answer.done():
                    break
            assert b" 408 " in await answer
        finally:
            answer.cancel()
            writer.close()


async def test_22_headers_and_addresses_have_bounds(person: Person) -> None:
    """Threat 22: what is too large before the body is refused as well."""
    many = {f"x-{n}": "y" * 4000 for n in range(10)}
    is_problem(await person.get("/credits", headers=many), 431, "headers-too-large")
    is_problem(await person.get("/generations?q=" + "x" * 9000), 414, "address-too-long")
    is_problem(await person.get("/" + "x" * 9000), 414, "address-too-long")


ACCOUNTS, KEYS, REPEATS = 200, 5, 10
AT_ONCE = 10
"""Accounts that ask at the same time: 500 requests under way."""


@pytest.mark.timeout(300)
async def test_concurrent_repeats_make_one_generation_each(world: World) -> None:
    """200 accounts, 5 keys each, every request 10 times at once, over two processes: 1,000."""
    async with gateway_process(world) as second:
        doors = itertools.cycle([world.url, second])
        connector = aiohttp.TCPConnector(limit=400)
        async with aiohttp.ClientSession(connector=connector) as http:

            async def ask(person: Person, key: int, door: str) -> tuple[int, str]:
                async with http.post(
                    f"{door}/generations",
                    data=json.dumps({"prompt": f"wish {key}"}),
                    headers=person.authorization | JSON | {"Idempotency-Key": f"key-{key}"},
                ) as answer:
                    body = await answer.json(content_type=None)
                if answer.status == 503:  # not readable yet: again, with the same key
                    return await ask(person, key, door)
                return answer.status, body.get("id") or str(body)

            made: dict[tuple[str, int], set[str]] = defaultdict(set)
            statuses: Counter[int] = Counter()
            people: list[Person] = []
            for _ in range(ACCOUNTS // AT_ONCE):
                some = await asyncio.gather(*(world.person() for _ in range(AT_ONCE)))
                people += some
                asked = [(one, key) for one in some for key in range(KEYS) for _ in range(REPEATS)]
                answers = await asyncio.gather(*(ask(one, key, next(doors)) for one, key in asked))
                for (one, key), (status, generation) in zip(asked, answers, strict=True):
                    statuses[status] += 1
                    made[one.account_id, key].add(generation)
    assert statuses == {202: ACCOUNTS * KEYS * REPEATS}
    assert len(made) == ACCOUNTS * KEYS
    assert all(len(found) == 1 for found in made.values())
    assert len(set().union(*made.values())) == 1000
    accounts = [one.account_id for one in people]
    await _booked(world, accounts)
    await _told(world, accounts, set().union(*made.values()))


async def _told(world: World, accounts: list[str], made: set[str]) -> None:
    """Assert that the log knows these generations and no other, each admitted once."""
    events = [one.event for one in await whole_log(world, accounts)]
    requested = {one.generation_id for one in events if isinstance(one, GenerationRequested)}
    assert requested == made
    reserved = Counter(one.generation_id for one in events if isinstance(one, CreditsReserved))
    assert reserved == dict.fromkeys(made, 1)
    assert not [one for one in events if isinstance(one, GenerationRejected)]


async def _booked(world: World, accounts: list[str]) -> None:
    """Assert that the books hold as many generations, each of them reserved once."""
    connection = await asyncpg.connect(world.database.owner_url)
    try:

        async def rows() -> bool:
            return bool(
                await connection.fetchval(
                    "SELECT count(*) = 1000 FROM read.generations "
                    "WHERE account_id = any($1::uuid[]) AND status = 'pending'",
                    accounts,
                )
            )

        await until(rows, 30, what="exactly 1,000 generations in the read models")
        sums = await connection.fetchrow(
            "SELECT sum(available)::int AS available, sum(reserved)::int AS reserved "
            "FROM read.credit_accounts WHERE account_id = any($1::uuid[])",
            accounts,
        )
        assert (sums["available"], sums["reserved"]) == (0, ACCOUNTS * KEYS)
        kinds = await connection.fetch(
            "SELECT type, count(*)::int AS n FROM read.ledger "
            "WHERE account_id = any($1::uuid[]) GROUP BY type",
            accounts,
        )
        assert {row["n"] for row in kinds if "eserved" in row["type"]} == {ACCOUNTS * KEYS}
    finally:
        await connection.close()
