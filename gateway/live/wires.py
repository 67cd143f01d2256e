"""What a stream is written to: a response of server-sent events, or a WebSocket.

Both carry the same events with the same ids; only the form differs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec
import structlog

from gateway.live.stream_events import ALIVE, HEARTBEAT, Told, as_message, as_sse
from gateway.web.errors import render

_log = structlog.get_logger(__name__)

OVER: Final = 1000
"""Close code: there is nothing more to come."""
COME_AGAIN: Final = 1012
"""Close code: connect again, with the last id."""
TOO_LARGE: Final = 1009
PROBLEMS: Final = 4000
"""Close code of a refusal: this and the HTTP status that it would have."""
MESSAGE_BYTES_MAX: Final = 1024
"""Nobody has anything to say here."""
SEND_SECONDS_MAX: Final = 20.0
"""How long a reader may take to accept one message."""
_HEADERS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # or nginx would hold events back
]
_HELLO: Final = b": hello\n\n"


class Wire(Protocol):
    """What one reader is told by."""

    async def refuse(self, error: Exception) -> int:
        """Nothing can be told, because of this; it is the end. Returns HTTP's status for it."""
        ...

    async def begin(self, told: Sequence[Told]) -> None:
        """Tell the first events."""
        ...

    async def tell(self, told: Sequence[Told]) -> None:
        """Tell further events."""
        ...

    async def alive(self) -> None:
        """Show that the stream is open though nothing happens."""
        ...

    async def end(self, *, over: bool) -> None:
        """End it; `over`: there is nothing to come back for."""
        ...

    async def gone(self) -> None:
        """Return once the reader is gone."""
        ...


class SseWire:
    """A response of server-sent events.

    Args:
        receive: says when the reader goes.
        send: takes the response.
        path: that was asked for.
    """

    def __init__(self, receive: Any, send: Any, path: str) -> None:
        self._receive = receive
        self._send = send
        self._path = path
        self._ended = False

    async def refuse(self, error: Exception) -> int:
        """See `Wire`."""
        status, headers, body = render(error, self._path)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
        self._ended = True
        return status

    async def begin(self, told: Sequence[Told]) -> None:
        """See `Wire`."""
        start = {"type": "http.response.start", "status": 200, "headers": list(_HEADERS)}
        await self._send(start)
        await self._write(b"".join(map(as_sse, told)) or _HELLO)

    async def tell(self, told: Sequence[Told]) -> None:
        """See `Wire`."""
        await self._write(b"".join(map(as_sse, told)))

    async def alive(self) -> None:
        """See `Wire`."""
        await self._write(HEARTBEAT)

    async def end(self, *, over: bool) -> None:  # noqa: ARG002  the last event says so
        """See `Wire`."""
        if not self._ended:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def gone(self) -> None:
        """See `Wire`."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _write(self, chunk: bytes) -> None:
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})


class SocketWire:
    """A WebSocket that was accepted.

    Args:
        receive: brings what the reader sends, which is nothing but its end.
        send: takes messages.
    """

    def __init__(self, receive: Any, send: Any) -> None:
        self._receive = receive
        self._send = send
        self._closed = False

    async def refuse(self, error: Exception) -> int:
        """See `Wire`: the problem document as the event `problem`, and a close code from it."""
        answer = render(error, "/ws")
        problem = msgspec.json.decode(answer.body)
        await self.tell([Told("problem", problem)])
        await self._close(PROBLEMS + answer.status, problem["type"].rpartition("/")[2])
        return answer.status

    async def begin(self, told: Sequence[Told]) -> None:
        """See `Wire`."""
        await self.tell(told)

    async def tell(self, told: Sequence[Told]) -> None:
        """See `Wire`."""
        for one in told:
            await self._write(as_message(one))

    async def alive(self) -> None:
        """See `Wire`."""
        await self._write(ALIVE)

    async def end(self, *, over: bool) -> None:
        """See `Wire`."""
        await self._close(OVER if over else COME_AGAIN, "")

    async def gone(self) -> None:
        """See `Wire`."""
        while (message := await self._receive())["type"] != "websocket.disconnect":
            said = message.get("text") or message.get("bytes") or ""
            if len(said) > MESSAGE_BYTES_MAX:
                await self._close(TOO_LARGE, "nothing is expected here")
                return

    async def _write(self, text: str) -> None:
        async with asyncio.timeout(SEND_SECONDS_MAX):
            await self._send({"type": "websocket.send", "text": text})

    async def _close(self, code: int, reason: str) -> None:
        if self._closed:
            return
        self._closed = True
        async with asyncio.timeout(SEND_SECONDS_MAX):
            await self._send({"type": "websocket.close", "code": code, "reason": reason})
