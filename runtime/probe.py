"""One small HTTP request to a server of this machine: what readiness checks need, and no more."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

TIMEOUT_SECONDS = 3.0
ANSWER_BYTES_MAX = 65_536


class Answer(NamedTuple):
    """The status (0: nobody answered in HTTP) and the body, cut at `ANSWER_BYTES_MAX`."""

    status: int
    body: bytes


async def get(port: int, path: str = "/", host: str = "127.0.0.1") -> Answer:
    """Ask once; no answer in time, or none at all, is status 0."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await _get(port, path, host)
    except (OSError, TimeoutError):
        return Answer(0, b"")


async def _get(port: int, path: str, host: str) -> Answer:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        content = await reader.read(ANSWER_BYTES_MAX)
        while len(content) < ANSWER_BYTES_MAX and (more := await reader.read(ANSWER_BYTES_MAX)):
            content += more
    finally:
        writer.close()
    head, _, body = content.partition(b"\r\n\r\n")
    protocol, _, rest = head.partition(b" ")
    status = rest[:3]
    known = protocol.startswith(b"HTTP/") and status.isdigit()
    return Answer(int(status), body) if known else Answer(0, b"")
