"""What stand-ins for providers share: serving, being late, and answers that go astray."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from aiohttp import web

from tests.fakes.directives import Directives


class Double:
    """A server that plays a provider; subclasses add their routes to `app`.

    Args:
        bytes_max: the longest body that it takes.
    """

    def __init__(self, *, bytes_max: int = 50_000_000) -> None:
        self.refused: list[str] = []
        """Directives of requests that were turned down."""
        self.directives = Directives()
        self.app = web.Application(client_max_size=bytes_max)
        self._runner = web.AppRunner(self.app, shutdown_timeout=0.1)
        self._closing = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def forget(self) -> None:
        """Be as before the first request."""
        self.refused.clear()
        self.directives.forget()

    async def serve(self, port: int = 0) -> str:
        """Serve on this port of 127.0.0.1; 0 takes a free one. Returns the address."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Serve no more; who is late is late no longer."""
        self._closing.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._runner.cleanup()

    async def dawdle(self, seconds: float) -> None:
        """Be so slow, as a provider is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Work on something while the requests are answered."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def astray(
        self, request: web.Request, name: str, value: float, *, status: int = 200
    ) -> web.Response | None:
        """The answer to a request that was taken (and charged) and is not heard of; None: it is.

        Args:
            request: what is answered.
            name: the directive: `504`, `drop`, `hang` (for `value` seconds) or `malformed`.
            value: the directive's.
            status: of the malformed answer.
        """
        match name:
            case "504":
                return web.Response(status=504, text="upstream timed out")
            case "drop":
                assert request.transport is not None
                request.transport.abort()
            case "hang":
                await self.dawdle(value)
            case "malformed":
                return web.Response(status=status, text="<html>oops</html>")
        return None
