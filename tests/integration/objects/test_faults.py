"""Object storage that fails: in time, in our terms, and worth a retry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from runtime.errors import SettingsError
from runtime.objects import ObjectsRefused, ObjectStore, ObjectsUnavailable, open_objects
from runtime.settings import Settings

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]
NOT_THERE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@asynccontextmanager
async def store_that(answers: list[bytes | None]) -> AsyncIterator[tuple[ObjectStore, list[str]]]:
    """A store of which each connection sends the next answer (None: silence) and closes."""
    requests: list[str] = []
    writers = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        requests.append(head.split(b"\r\n")[0].decode())
        reply = answers[min(len(requests), len(answers)) - 1]
        if reply is not None:
            writer.write(reply)
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = Settings(
        s3_endpoint_url=f"http://127.0.0.1:{port}",
        s3_access_key_id="id",
        s3_secret_access_key="secret",
        s3_attempts=2,
        s3_connect_timeout_seconds=0.5,
        s3_read_timeout_seconds=0.5,
        s3_call_timeout_seconds=5,
    )
    async with open_objects(settings) as store:
        yield store, requests
    server.close()
    for writer in writers:
        writer.close()
    await asyncio.gather(*(w.wait_closed() for w in writers), return_exceptions=True)
    await server.wait_closed()


def http(status: str, body: bytes = b"", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


async def test_server_errors_are_tried_again_then_unavailable() -> None:
    """A 5xx is tried as often as the setting says, then it is unavailable and retryable."""
    async with store_that([http("503 Service Unavailable")]) as (store, requests):
        with pytest.raises(ObjectsUnavailable) as error:
            await store.head("x")
        assert error.value.retryable
        assert len(requests) == 2


async def test_one_server_error_is_got_over() -> None:
    """One failed attempt is not seen by the caller."""
    async with store_that([http("500 Internal Server Error"), http("200 OK")]) as (store, asked):
        assert await store.put_if_absent("x", b"1", "x/y") is True
        assert len(asked) == 2


async def test_lost_answer_of_a_put() -> None:
    """When the answer to a put was lost, the second attempt finds it stored and says False."""
    answers = [http("500 Internal Server Error"), http("412 Precondition Failed")]
    async with store_that(answers) as (store, _):
        assert await store.put_if_absent("x", b"1", "x/y") is False


async def test_conflict_is_asked_again() -> None:
    """A 409 means that another write is under way: it is asked again until that is decided."""
    conflict = http("409 Conflict", b"<Error><Code>ConditionalRequestConflict</Code></Error>")
    async with store_that([conflict, conflict, http("412 Precondition Failed")]) as (store, asked):
        assert await store.put_if_absent("x", b"1", "x/y") is False
        assert len(asked) == 3


async def test_silence_is_unavailable() -> None:
    """A store that takes the request and never answers is unavailable after bounded attempts."""
    async with store_that([None]) as (store, requests):
        with pytest.raises(ObjectsUnavailable):
            await store.get("x")
        assert len(requests) == 2


async def test_cut_short_is_unavailable() -> None:
    """An object that ends before its announced length is never given as the whole."""
    async with store_that([http("200 OK", b"half", length=100)]) as (store, _):
        with pytest.raises(ObjectsUnavailable):
            await store.get("x")


async def test_nobody_there_is_unavailable(unused_tcp_port: int) -> None:
    """A store that nobody runs is unavailable."""
    settings = Settings(
        s3_endpoint_url=f"http://127.0.0.1:{unused_tcp_port}",
        s3_access_key_id="id",
        s3_secret_access_key="secret",
        s3_attempts=2,
    )
    async with open_objects(settings) as store:
        with pytest.raises(ObjectsUnavailable):
            await store.get("x")


async def test_refusal_is_not_retryable() -> None:
    """A 403 is refused at once, with the store's own code for it."""
    denied = http("403 Forbidden", b"<Error><Code>AccessDenied</Code></Error>")
    async with store_that([denied]) as (store, requests):
        with pytest.raises(ObjectsRefused, match="AccessDenied") as error:
            await store.get("x")
        assert (error.value.retryable, error.value.reason) == (False, "AccessDenied")
        assert len(requests) == 1


async def test_all_versions_are_deleted() -> None:
    """In a bucket with versions every version and deletion mark of the key goes, and no other's."""
    listing = b"""<ListVersionsResult><IsTruncated>false</IsTruncated>
        <Version><Key>a</Key><VersionId>v1</VersionId></Version>
        <Version><Key>a</Key><VersionId>v2</VersionId></Version>
        <Version><Key>ab</Key><VersionId>v3</VersionId></Version>
        <DeleteMarker><Key>a</Key><VersionId>v4</VersionId></DeleteMarker>
        </ListVersionsResult>"""
    bodies: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-len")]
        size = int(lengths[0].split(b":")[1]) if lengths else 0
        bodies.append(await reader.readexactly(size))
        writer.write(http("200 OK", listing if b"versions" in head.split()[1] else b"<D></D>"))
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = Settings(
        s3_endpoint_url=f"http://127.0.0.1:{port}",
        s3_access_key_id="id",
        s3_secret_access_key="secret",
    )
    async with open_objects(settings) as store:
        await store.delete("a")
    server.close()
    await server.wait_closed()
    assert all(version in bodies[1] for version in (b"v1", b"v2", b"v4"))
    assert b"v3" not in bodies[1]


async def test_missing_endpoint_is_named() -> None:
    """Without an endpoint the start stops with a sentence that names the variable."""
    with pytest.raises(SettingsError, match="S3_ENDPOINT_URL"):
        async with open_objects(Settings()):
            pass
