"""Bare ASGI: reads the body and answers 202 with it. What Granian can do on this machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

_START = {
    "type": "http.response.start",
    "status": 202,
    "headers": [(b"content-type", b"application/json")],
}


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """An ASGI application."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            break
    length = (b"content-length", b"%d" % len(body))
    await send({**_START, "headers": [*_START["headers"], length]})  # type: ignore[misc]  # a plain ASGI message
    await send({"type": "http.response.body", "body": body})
