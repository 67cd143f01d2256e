"""HEAD, for every address that answers GET."""

from __future__ import annotations

import asyncio
from typing import Any


class HeadOnly:
    """Answers HEAD: what GET would begin with, without its body.

    Args:
        send: takes the answer.
    """

    def __init__(self, send: Any) -> None:
        self._send = send
        self._begun = asyncio.Event()

    async def send(self, message: Any) -> None:
        """Pass the head on; keep the body back."""
        if message["type"] == "http.response.start":
            await self._send(message)
            await self._send({"type": "http.response.body", "body": b""})
            self._begun.set()

    async def receive(self) -> Any:
        """Nobody reads a stream beyond its head."""
        await self._begun.wait()
        return {"type": "http.disconnect"}
