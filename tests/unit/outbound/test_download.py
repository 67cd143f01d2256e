"""Downloads from addresses that somebody else has chosen: bounded, and not from inside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from runtime.outbound.addresses import AddressPolicy
from runtime.outbound.client import AddressRefused, AnswerTooLarge, GuardedClient, NotReached
from runtime.outbound.download import REDIRECTS_MAX, NotServed, download
from runtime.outbound.targets import TargetRefused

OUTSIDE = AddressPolicy([ip_network("127.0.0.1/32")])
BYTES = 1000


class Shelf:
    """Serves bytes and redirects at 127.0.0.1, and notes what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""
        app = web.Application()
        app.router.add_get("/{rest:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        what, _, rest = request.path.strip("/").partition("/")
        match what:
            case "to":
                return web.Response(status=302, headers={"Location": request.query["url"]})
            case "hop":
                left = int(rest)
                return web.Response(
                    status=307, headers={"Location": f"/hop/{left - 1}" if left else "/bytes/10"}
                )
            case "bytes":
                return web.Response(body=b"x" * int(rest))
            case "endless":
                response = web.StreamResponse()
                await response.prepare(request)
                while True:
                    await response.write(b"x" * 500)
            case "status":
                return web.Response(status=int(rest))
            case "half":
                response = web.StreamResponse(headers={"Content-Length": "10"})
                await response.prepare(request)
                await response.write(b"x")
                assert request.transport is not None
                request.transport.abort()
                return response
        raise web.HTTPNotFound


@pytest_asyncio.fixture(loop_scope="session")
async def shelf() -> AsyncIterator[Shelf]:
    one = Shelf()
    await one.start()
    yield one
    await one.stop()


async def fetch(url: str, policy: AddressPolicy = OUTSIDE, **changes: Any) -> bytes:
    client = GuardedClient(policy)
    options = {"accept": "image/png", "bytes_max": BYTES, "timeout_seconds": 5.0} | changes
    try:
        return await download(client, policy, url, **options)
    finally:
        await client.close()


@pytest.mark.parametrize("count", [0, 10, BYTES])
async def test_it_fetches_up_to_the_bound(shelf: Shelf, count: int) -> None:
    """The bytes come whole, up to as many as were asked for."""
    assert await fetch(f"{shelf.url}/bytes/{count}") == b"x" * count


@pytest.mark.parametrize("path", [f"bytes/{BYTES + 1}", "endless"])
async def test_36_more_than_that_is_not_read(shelf: Shelf, path: str) -> None:
    """Threat 36: a body that is too large, or has no end, is given up."""
    with pytest.raises(AnswerTooLarge):
        await fetch(f"{shelf.url}/{path}")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.2/",
        "http://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://metadata.internal/",
        "https://localhost/",
        "https://2130706433/",
        "http://example.com/",
        "https://example.com:22/",
        "https://user@example.com/",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "ftp://example.com/",
        "//example.com/",
        "https://example.com/\r\nHost: inside",
        "",
    ],
)
async def test_36_what_points_inside_is_refused_at_first_and_after_a_redirect(
    shelf: Shelf, url: str
) -> None:
    """Threat 36: each hop is checked like the first, and a refused one gets no request."""
    with pytest.raises(TargetRefused):
        await fetch(url)
    if url and "\r" not in url and not url.startswith("//"):
        before = len(shelf.asked)
        with pytest.raises((TargetRefused, NotServed)):
            await fetch(f"{shelf.url}/to?url={url.replace('&', '%26')}")
        assert len(shelf.asked) == before + 1


async def test_36_a_name_that_leads_inside_is_refused_after_a_redirect(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 36: a public name with a private address is refused when it is connected to."""

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [(2, 1, 6, "", ("10.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    with pytest.raises(AddressRefused):
        await fetch(f"{shelf.url}/to?url=https://pictures.example/1.png")


async def test_redirects_have_an_end(shelf: Shelf) -> None:
    """As many as are allowed are followed, and one more is not."""
    assert await fetch(f"{shelf.url}/hop/{REDIRECTS_MAX - 1}") == b"x" * 10
    with pytest.raises(NotServed) as raised:
        await fetch(f"{shelf.url}/hop/{REDIRECTS_MAX}")
    assert raised.value.status == 307


@pytest.mark.parametrize(
    ("status", "again"), [(404, False), (403, False), (410, False), (429, True), (503, True)]
)
async def test_an_answer_says_whether_to_come_again(shelf: Shelf, status: int, again: bool) -> None:
    """What is gone stays gone; what is busy may be asked again."""
    with pytest.raises(NotServed) as raised:
        await fetch(f"{shelf.url}/status/{status}")
    assert (raised.value.status, raised.value.retryable) == (status, again)


async def test_half_a_body_is_none(shelf: Shelf) -> None:
    """A body that breaks off is not taken for the whole."""
    with pytest.raises(NotReached):
        await fetch(f"{shelf.url}/half")


async def test_all_hops_together_have_one_time(shelf: Shelf) -> None:
    """No time left, no request."""
    with pytest.raises(NotReached):
        await fetch(f"{shelf.url}/bytes/1", timeout_seconds=0.0)
    assert shelf.asked == []
