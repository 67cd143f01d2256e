"""Waiting until the read models have seen a place in the log: read your own writes (design §5).

One poller asks the database for all who wait, and only while somebody does.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Final

import structlog

from gateway.web.cursors import LogPosition, decode_consistency_token
from gateway.web.errors import Problem
from runtime.errors import PixelpopError
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries

_log = structlog.get_logger(__name__)
_QUERIES = load_queries(Path(__file__).with_name("consistency.sql"))

POLL_SECONDS: Final = 0.01
RETRY_AFTER_SECONDS: Final = 1
WAITERS_MAX: Final = 10_000


class Consistency:
    """Knows how far the read models are, and wakes who waits for more.

    Args:
        pool: where the projections note their offsets.
        wait_seconds: how long a reader waits at most.
    """

    def __init__(self, pool: Pool, wait_seconds: float) -> None:
        self._pool = pool
        self._wait_seconds = wait_seconds
        self._next: dict[int, int] = {}
        self._waiters: set[tuple[int, int, asyncio.Future[None]]] = set()
        self._task: asyncio.Task[None] | None = None

    async def passed(self, position: LogPosition, timeout_seconds: float | None = None) -> bool:
        """Wait until the read models have taken in the record at `position`; False: not in time."""
        if self._next.get(position.partition, 0) > position.offset:
            return True
        if len(self._waiters) >= WAITERS_MAX:
            return False
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (position.partition, position.offset, future)
        self._waiters.add(waiter)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._poll(), name="consistency")
        try:
            async with asyncio.timeout(
                self._wait_seconds if timeout_seconds is None else timeout_seconds
            ):
                await future
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)
        return True

    async def honour(self, token: bytes | None) -> None:
        """Wait for what a `Consistency-Token` header names, if there is one.

        Raises:
            CursorInvalid: it is no token.
            Problem: the read models did not get there in time.
        """
        if token is None:
            return
        position = decode_consistency_token(token.decode("ascii", errors="replace"))
        if not await self.passed(position):
            raise Problem(
                "not-caught-up",
                "What you wrote is safe but not readable yet. Ask again shortly.",
                retry_after=RETRY_AFTER_SECONDS,
            )

    async def refresh(self) -> dict[int, int]:
        """Ask now: partition → the next offset that the slowest read model will take in."""
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(_QUERIES.get_offsets)
        self._next = {row["partition"]: row["next_offset"] for row in rows}
        return self._next

    async def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _poll(self) -> None:
        while self._waiters:
            try:
                await self.refresh()
            except PixelpopError as error:
                _log.warning("projection offsets not read", error=str(error))
            except Exception:  # noqa: BLE001  who waits is told in time, by its own timeout
                _log.exception("projection offsets not read")
            for partition, offset, future in list(self._waiters):
                if self._next.get(partition, 0) > offset and not future.done():
                    future.set_result(None)
            await asyncio.sleep(POLL_SECONDS)
