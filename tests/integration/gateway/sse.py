"""Reading an event stream in a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec


class Reader:
    """One open stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self, timeout_seconds: float = 15) -> dict[str, Any] | None:
        """The next event as {event, id, data}; None at the end of the stream. Skips comments."""
        found: dict[str, Any] = {}
        async with asyncio.timeout(timeout_seconds):
            async for line in self._lines:
                if not line:
                    if "data" in found:
                        found["data"] = msgspec.json.decode(found["data"])
                        return found
                    found = {}
                elif not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    found[name] = value
        return None

    async def until(self, event: str, **data: Any) -> list[dict[str, Any]]:
        """All events up to the first of that name whose data has these members."""
        seen = []
        while True:
            one = await self.next()
            assert one is not None, seen
            seen.append(one)
            if one["event"] == event and all(
                one["data"].get(name) == value for name, value in data.items()
            ):
                return seen


@asynccontextmanager
async def stream(client: httpx.AsyncClient, path: str, **rest: Any) -> AsyncIterator[Reader]:
    """Open a stream and close it at the end."""
    async with client.stream("GET", path, **rest) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["Content-Type"] == "text/event-stream"
        yield Reader(response)
