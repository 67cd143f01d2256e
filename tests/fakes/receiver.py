"""A customer's server: takes webhooks, checks them as Standard Webhooks says, answers as told.

It checks signatures by the official library, not by ours. What it answers is told by the path:
`/hook` 204; `/status/503` that status; `/slow` later than anybody waits; `/redirect?to=URL` 307;
`/cut` closes the connection without an answer; `/script` what the test put into `script`, then
204.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Self

import msgspec
from aiohttp import web
from standardwebhooks.webhooks import Webhook


class Received(msgspec.Struct, frozen=True):
    """One request as it came in."""

    path: str
    message_id: str
    timestamp: str
    signature: str
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded

    def verified_by(self, secret: str) -> bool:
        """Whether the official library accepts it with this secret."""
        headers = {
            "webhook-id": self.message_id,
            "webhook-timestamp": self.timestamp,
            "webhook-signature": self.signature,
        }
        with contextlib.suppress(Exception):
            Webhook(secret).verify(self.body, headers)
            return True
        return False


class Receiver:
    """The server; use it as a context manager."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.script: list[tuple[int, dict[str, str]]] = []
        """Answers of `/script`, the next one first."""
        self.at_once = 0
        """How many requests were under way at the same time, at most."""
        self.gate = asyncio.Event()
        """What `/gate` waits for before it answers."""
        self._under_way = 0
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self._take)
        self._runner = web.AppRunner(app, handler_cancellation=True)
        self.port = 0

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.gate.set()
        await self._runner.cleanup()

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> list[Received]:
        """What came to a path."""
        return [one for one in self.received if one.path == path]

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.received.append(
            Received(
                request.path,
                request.headers.get("webhook-id", ""),
                request.headers.get("webhook-timestamp", ""),
                request.headers.get("webhook-signature", ""),
                await request.read(),
            )
        )
        self._under_way += 1
        self.at_once = max(self.at_once, self._under_way)
        try:
            return await self._answer(request)
        finally:
            self._under_way -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/gate":
            await self.gate.wait()
        elif request.path == "/slow":
            await asyncio.Event().wait()
        elif request.path == "/cut":
            assert request.transport is not None
            request.transport.abort()
        elif request.path == "/redirect":
            return web.Response(status=307, headers={"Location": request.query["to"]})
        elif request.path.startswith("/status/"):
            return web.Response(status=int(request.path.rpartition("/")[2]), text="no")
        elif request.path == "/script" and self.script:
            status, headers = self.script.pop(0)
            return web.Response(status=status, headers=headers)
        return web.Response(status=204)
