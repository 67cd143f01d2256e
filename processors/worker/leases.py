"""Keeping the leases of all jobs under way, by one statement every third of a lease."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator

import structlog

from events.ids import GenerationId
from processors.worker import metrics
from processors.worker.claims import Claims, Lease
from runtime.errors import PixelpopError

_log = structlog.get_logger(__name__)


class Leases:
    """Renews what is held until it is let go.

    A lease that is lost is only logged: the holder finds out at its next guarded update, and to
    stop a paid call half-way would save nothing.
    """

    def __init__(self, claims: Claims, *, lease_seconds: float) -> None:
        self._claims = claims
        self._lease_seconds = lease_seconds
        self._every_seconds = lease_seconds / 3
        self._held: dict[GenerationId, Lease] = {}
        self._renewed: dict[GenerationId, float] = {}
        """By this machine's clock, which goes on while the process is paused."""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to renew."""
        self._task = asyncio.create_task(self._keep(), name="leases")

    async def stop(self) -> None:
        """Renew no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @contextlib.contextmanager
    def kept(self, lease: Lease) -> Iterator[None]:
        """Renew this lease inside."""
        self._held[lease.generation_id] = lease
        self._renewed[lease.generation_id] = time.monotonic()
        try:
            yield
        finally:
            if self._held.get(lease.generation_id) == lease:
                self._forget(lease)

    def is_fresh(self, lease: Lease) -> bool:
        """Whether it cannot have ended yet; if not, ask the database before doing anything dear."""
        if self._held.get(lease.generation_id) != lease:
            return False
        return time.monotonic() - self._renewed[lease.generation_id] < self._lease_seconds

    def _forget(self, lease: Lease) -> None:
        del self._held[lease.generation_id]
        del self._renewed[lease.generation_id]

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._every_seconds)
            if self._held:
                await self.renew()

    async def renew(self) -> None:
        """Renew all that is held, once."""
        leases = list(self._held.values())
        began = time.monotonic()
        try:
            kept = await self._claims.renew(leases)
        except PixelpopError as error:
            _log.warning("leases not renewed", leases=len(leases), error=error)
            return
        for lease in leases:
            if self._held.get(lease.generation_id) != lease:
                continue  # it was let go meanwhile, which is no loss
            if lease.generation_id in kept:
                self._renewed[lease.generation_id] = began
            else:
                self._forget(lease)
                metrics.LEASES_LOST.inc()
                _log.warning("a lease was lost", generation_id=lease.generation_id)
