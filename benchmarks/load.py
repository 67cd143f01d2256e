"""The load generator: HTTP/1.1 over kept connections, as little work per request as Python allows.

Requests are prepared bytes. A response is parsed for its status and its length, and its body is
kept only on demand. The same client drives ours, the raw limits and the peer. It shares the
machine with them, so its cost (20 to 150 µs a request) is part of every figure, for all alike.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import msgspec

CONNECT_SECONDS = 10.0
DRAIN_SECONDS = 30.0
_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Target:
    """An HTTP server."""

    port: int
    host: str = "127.0.0.1"


@dataclass
class Outcome:
    """What a run of requests came to."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    lost: int = 0
    """Connections that the server closed with a request under way."""
    unexpected: bytes = b""
    """The first body whose status was not the expected one."""

    late: int = 0
    """Answers that came after the time was up; they count for nothing but `total`."""

    @property
    def total(self) -> int:
        """All answers."""
        return sum(self.statuses.values()) + self.late

    @property
    def per_second(self) -> float:
        """Requests that were answered, whatever the answer."""
        return sum(self.statuses.values()) / self.seconds if self.seconds else 0.0

    def accepted_per_second(self, status: int = 202) -> float:
        """Requests that were answered with `status`."""
        return self.statuses[status] / self.seconds if self.seconds else 0.0

    def percentile_ms(self, share: float) -> float:
        """E.g. 0.5 for the median; 0 when nothing was measured."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def request(
    method: str, path: str, headers: Mapping[str, str] | None = None, body: object = None
) -> bytes:
    """The bytes of one request."""
    payload = b"" if body is None else msgspec.json.encode(body)
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + _END + payload


class Connection(asyncio.Protocol):
    """One kept connection with at most one request under way."""

    def __init__(self, answered: Callable[[Connection, int, bytes], None]) -> None:
        self._answered = answered
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.sent_at = 0.0
        self.busy = False
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits for the end."""
        del exc
        if not self.closed.done():
            self.closed.set_result(None)

    def send(self, data: bytes, due_at: float | None = None) -> None:
        """Send one prepared request; `due_at` is when it should have been sent (open loop)."""
        assert self._transport is not None
        self.busy = True
        self.sent_at = time.perf_counter() if due_at is None else due_at
        self._transport.write(data)

    def close(self) -> None:
        """Close now."""
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Find the end of the answer: by its length, or by its last chunk."""
        buffer = self._buffer + data if self._buffer else data
        head_end = buffer.find(_END)
        if head_end < 0:
            self._buffer = buffer
            return
        head = buffer[:head_end].lower()
        at = head.find(b"\r\ncontent-length:")
        if at >= 0:
            stop = head.find(b"\r\n", at + 2)
            length = int(head[at + 17 : stop if stop > 0 else None])
            complete = len(buffer) >= head_end + 4 + length
        else:  # chunked
            complete = buffer.endswith(b"0\r\n\r\n")
        if not complete:
            self._buffer = buffer
            return
        self._buffer = b""
        self.busy = False
        self._answered(self, int(buffer[9:12]), buffer[head_end + 4 :])


async def _connect(
    target: Target, count: int, answered: Callable[[Connection, int, bytes], None]
) -> list[Connection]:
    loop = asyncio.get_running_loop()
    opened = []
    async with asyncio.timeout(CONNECT_SECONDS):
        for _ in range(count):
            _, connection = await loop.create_connection(
                lambda: Connection(answered), target.host, target.port
            )
            opened.append(connection)
    return opened


async def closed_loop(
    target: Target,
    requests: Iterable[bytes],
    *,
    connections: int,
    seconds: float,
    expected: int = 202,
) -> Outcome:
    """Keep every connection busy for `seconds` or until `requests` runs dry.

    Only what is answered within the time counts; what is then under way is waited for, so that
    the next measurement finds an idle server.
    """
    outcome = Outcome()
    feed: Iterator[bytes] = iter(requests)
    idle = asyncio.Event()
    under_way = 0
    started = stop_at = 0.0

    def next_one(connection: Connection) -> None:
        nonlocal under_way
        data = None if time.perf_counter() >= stop_at else next(feed, None)
        if data is None:
            if under_way == 0:
                idle.set()
            return
        under_way += 1
        connection.send(data)

    def answered(connection: Connection, status: int, body: bytes) -> None:
        nonlocal under_way
        now = time.perf_counter()
        under_way -= 1
        if now <= stop_at:
            outcome.statuses[status] += 1
            outcome.latencies_ms.append((now - connection.sent_at) * 1000)
            outcome.seconds = now - started
        else:
            outcome.late += 1
        if status != expected and not outcome.unexpected:
            outcome.unexpected = b"%d %s" % (status, body[:500])
        next_one(connection)

    opened = await _connect(target, connections, answered)
    started = time.perf_counter()
    stop_at = started + seconds
    for connection in opened:
        next_one(connection)
    waiters = [asyncio.ensure_future(idle.wait())]
    await asyncio.wait(
        [*waiters, *(connection.closed for connection in opened)],
        timeout=seconds + DRAIN_SECONDS,
        return_when=asyncio.FIRST_COMPLETED,
    )
    outcome.lost = under_way
    for waiter in waiters:
        waiter.cancel()
    for connection in opened:
        connection.close()
    return outcome


async def open_loop(
    target: Target,
    requests: Iterable[bytes],
    *,
    per_second: float,
    connections: int = 32,
    expected: int = 202,
    seen: Callable[[bytes, float], None] | None = None,
) -> Outcome:
    """Send at fixed instants, whatever the server does; latency counts from the instant due.

    `seen` gets each body and the instant at which its request was due.
    """
    outcome = Outcome()
    free: asyncio.Queue[Connection] = asyncio.Queue()
    under_way = 0
    idle = asyncio.Event()

    def answered(connection: Connection, status: int, body: bytes) -> None:
        nonlocal under_way
        under_way -= 1
        outcome.statuses[status] += 1
        outcome.latencies_ms.append((time.perf_counter() - connection.sent_at) * 1000)
        if status != expected and not outcome.unexpected:
            outcome.unexpected = b"%d %s" % (status, body[:500])
        if seen is not None:
            seen(body, connection.sent_at)
        free.put_nowait(connection)
        if under_way == 0:
            idle.set()

    opened = await _connect(target, connections, answered)
    for connection in opened:
        free.put_nowait(connection)
    started = time.perf_counter()
    for number, data in enumerate(requests):
        due_at = started + number / per_second
        while (early := due_at - time.perf_counter()) > 0:  # noqa: ASYNC110  a clock, not an event
            await asyncio.sleep(early)
        connection = await free.get()
        under_way += 1
        idle.clear()
        connection.send(data, due_at)
    outcome.seconds = time.perf_counter() - started
    if under_way:
        async with asyncio.timeout(DRAIN_SECONDS):
            await idle.wait()
    for connection in opened:
        connection.close()
    return outcome
