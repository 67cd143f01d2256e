"""HTTP as odd clients speak it: an answer that both sides understand, and nothing left hanging."""

from __future__ import annotations

import asyncio

import httpx
import msgspec
import pytest

from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.world import Person, World, another_gateway

JSON = {"Content-Type": "application/json"}


async def said(port: int, *parts: bytes) -> bytes:
    """Everything that the gateway answers to these bytes, until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(20):
            return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize("path", ["/healthz", "/styles", "/docs", "/credits", "/nowhere"])
async def test_head_is_get_without_the_body(person: Person, path: str) -> None:
    """Status and headers are those of GET."""
    got = await person.get(path)
    head = await person.client.head(path, headers=person.authorization)
    assert head.status_code == got.status_code
    assert head.content == b""
    for name in ("content-type", "content-length"):
        assert head.headers[name] == got.headers[name]


async def test_head_of_a_stream_ends(person: Person) -> None:
    """Who asks whether there is a stream is told so, and holds none open."""
    for _ in range(10):  # more than an account may hold open
        head = await person.client.head("/events", headers=person.authorization)
        assert head.status_code == 200
        assert head.headers["Content-Type"] == "text/event-stream"


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/generations", "GET, HEAD, OPTIONS, POST"),
        ("/generations/x", "DELETE, GET, HEAD, OPTIONS"),
        ("/auth/login", "OPTIONS, POST"),
        ("/styles", "GET, HEAD, OPTIONS"),
    ],
)
async def test_an_address_says_which_methods_it_knows(world: World, path: str, allow: str) -> None:
    """OPTIONS and 405 tell the same; OPTIONS gives no other origin leave to call."""
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    answer = await world.client.options(path, headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Allow"] == allow
    assert not any(name.startswith("access-control") for name in answer.headers)
    refused = await world.client.request("PROPFIND", path)
    is_problem(refused, 405, "method-not-allowed")
    assert refused.headers["Allow"] == allow


async def test_options_of_nothing_is_not_found(world: World) -> None:
    """Where nothing is, there are no methods."""
    is_problem(await world.client.options("/nowhere"), 404, "not-found")


async def test_a_slash_at_the_end_changes_nothing(person: Person) -> None:
    """It is the same address, for reading and for asking."""
    assert (await person.get("/credits/")).json() == (await person.get("/credits")).json()
    key = {"Idempotency-Key": "slash"}
    first = await person.post("/generations/", json={"prompt": "x"}, headers=key)
    again = await person.post("/generations", json={"prompt": "x"}, headers=key)
    assert first.status_code == again.status_code == 202
    assert again.headers["Idempotent-Replay"] == "true"


@pytest.mark.parametrize(
    "twice", ["Authorization", "Content-Type", "Consistency-Token", "Last-Event-ID"]
)
async def test_a_header_that_can_count_once_is_given_once(person: Person, twice: str) -> None:
    """Which of two tokens or types was meant is not for us to guess."""
    given = person.authorization | JSON | {"Consistency-Token": "MDow", "Last-Event-ID": "0:0"}
    headers = [("Idempotency-Key", "k"), *given.items(), (twice, given[twice])]
    answer = await person.client.post("/generations", content=b'{"prompt":"x"}', headers=headers)
    problem = is_problem(answer, 400, "invalid-header")
    assert twice.lower() in problem["detail"].lower()


async def test_two_keys_are_refused(person: Person) -> None:
    """Two keys would be two requests."""
    keys = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await person.client.post(
        "/generations", json={"prompt": "x"}, headers=[*person.authorization.items(), *keys]
    )
    is_problem(answer, 400, "idempotency-key-invalid")


async def test_a_compressed_body_is_refused(person: Person) -> None:
    """415 that says what to do instead, rather than "this is no JSON"."""
    answer = await person.post(
        "/generations",
        content=b"\x1f\x8b\x08",
        headers=JSON | {"Idempotency-Key": "k", "Content-Encoding": "gzip"},
    )
    assert "Content-Encoding" in is_problem(answer, 415, "unsupported-media-type")["detail"]


@pytest.mark.parametrize(
    "path",
    [
        b"/generations",
        b"/auth/login",
        b"/purchases",
    ],
)
async def test_a_body_that_never_ends_is_answered(
    world: World, person: Person, path: bytes
) -> None:
    """A chunked body without its last chunk, or shorter than its length says, is a 408."""
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" % path
    head += b"Idempotency-Key: k\r\nAuthorization: Bearer %b\r\n" % person.token.encode()
    async with another_gateway(world, body_timeout_seconds=0.3) as gateway:
        for rest in (
            b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
            b"Content-Length: 20\r\n\r\n{}",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(head + rest)
            async with asyncio.timeout(20):
                answer = await reader.readuntil(b"}")
            assert answer.startswith(b"HTTP/1.1 408 ")
            problem = msgspec.json.decode(answer.partition(b"\r\n\r\n")[2])
            assert problem["type"].endswith("/body-too-slow")
            writer.close()


async def test_a_length_beyond_all_bounds_is_refused_before_it_is_sent(world: World) -> None:
    """A gigabyte that is only announced takes no memory and gets its answer."""
    answer = await said(
        world.port,
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 1073741824\r\n\r\n",
        *[b" " * 65_536] * 40,
    )
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"/body-too-large" in answer


async def test_an_address_of_any_bytes_is_answered(world: World) -> None:
    """Escaped bytes that are no text, and an address of a few thousand characters: not found."""
    for path in ("/%ff%fe", "/generations/%00", "/" + "x/" * 2000):
        answer = await world.client.get(path)
        assert answer.status_code in {401, 404}
        assert answer.headers["Content-Type"] == "application/problem+json"


async def test_what_is_no_http_leaves_the_gateway_as_it_was(world: World) -> None:
    """Below HTTP there is no problem document; the connection is closed, and others go on."""
    for nonsense in (
        b"\x00\x01\x02\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 2000 + b"\r\n",
    ):
        answer = await said(world.port, nonsense)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    async with httpx.AsyncClient(base_url=world.url) as client:
        assert (await client.get("/healthz")).status_code == 200
