"""One open SSE connection, as cheap as the load generator's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from benchmarks.load import CONNECT_SECONDS, Target


class EventStream(asyncio.Protocol):
    """One open SSE connection; `received` gets each chunk as it comes off the socket."""

    def __init__(self, received: Callable[[bytes], None]) -> None:
        self._received = received
        self.opened = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """The first bytes are the head; all are passed on."""
        if not self.opened.done():
            self.opened.set_result(int(data[9:12]))
        self._received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail who waits for the head."""
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("closed before it answered"))

    def start(self, data: bytes) -> None:
        """Ask for the stream."""
        assert self._transport is not None
        self._transport.write(data)

    def close(self) -> None:
        """Close now."""
        if self._transport is not None:
            self._transport.close()


async def listen(target: Target, data: bytes, received: Callable[[bytes], None]) -> EventStream:
    """Open an SSE connection and wait until the server has answered its head."""
    loop = asyncio.get_running_loop()
    _, stream = await loop.create_connection(
        lambda: EventStream(received), target.host, target.port
    )
    stream.start(data)
    async with asyncio.timeout(CONNECT_SECONDS):
        status = await stream.opened
    if status != 200:
        raise RuntimeError(f"the event stream answered {status}")
    return stream
