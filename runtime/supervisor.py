"""Keeps processes running: starts again what ends by itself, stops everything in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from runtime.errors import StartError
from runtime.registry import Entry, Registry

BACKOFF_FIRST_SECONDS = 0.2
BACKOFF_MAX_SECONDS = 10.0
STEADY_SECONDS = 8.0
"""A process that ran this long was fine: its next end begins the backoff anew. That is more than
any of ours needs to start, and so little that who is killed now and then is not kept waiting."""

PORT_EVERY_SECONDS = 0.1


class Kept(Protocol):
    """What can be kept running: a child of ours or an embedded server."""

    @property
    def name(self) -> str:
        """Its name in processes.json."""

    @property
    def port(self) -> int:
        """Where it answers; 0 when it has not said so yet."""

    @property
    def pid(self) -> int | None:
        """The process, None when it does not run."""

    async def start(self) -> object:
        """Start it, again if need be."""

    async def wait(self) -> int:
        """Wait for its end."""

    async def stop(self) -> None:
        """End it within bounds."""


class Supervisor:
    """Keeps what it is given running until `stop`.

    Everything here runs on one event loop; `processes.json` follows every change.
    """

    def __init__(self, registry: Registry, report: Callable[[str], None]) -> None:
        self._registry = registry
        self._report = report
        self._restarts: dict[str, int] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}

    def keep(self, kept: Kept) -> None:
        """Watch something that was started just now."""
        self._restarts[kept.name] = 0
        self.note(kept)
        self._watches[kept.name] = asyncio.create_task(self._watch(kept), name=kept.name)

    def note(self, kept: Kept) -> None:
        """Bring processes.json up to date, for instance with a port that is known now."""
        self._registry.set(kept.name, Entry(kept.pid or 0, kept.port, self._restarts[kept.name]))

    async def stop(self, groups: Sequence[Sequence[Kept]]) -> None:
        """Stop everything, whether it is watched yet or not: group by group, each all at once."""
        for watch in self._watches.values():
            watch.cancel()
        await asyncio.gather(*self._watches.values(), return_exceptions=True)
        for group in groups:
            names = [kept.name for kept in group]
            if names:
                self._report(f"Stopping {', '.join(names)}")
                await asyncio.gather(*(kept.stop() for kept in group))
                for name in names:
                    self._registry.remove(name)
        self._registry.clear()

    async def _watch(self, kept: Kept) -> None:
        delay_seconds = BACKOFF_FIRST_SECONDS
        while True:
            started = time.monotonic()
            status = await self._until_end(kept)
            if time.monotonic() - started >= STEADY_SECONDS:
                delay_seconds = BACKOFF_FIRST_SECONDS
            self._restarts[kept.name] += 1
            self.note(kept)
            self._report(f"{kept.name} ended (status {status}); starting it again")
            delay_seconds = await self._start_again(kept, delay_seconds)

    async def _until_end(self, kept: Kept) -> int:
        """Wait for the end; meanwhile take over the port that the process names when ready."""
        ended = asyncio.ensure_future(kept.wait())
        try:
            said_ready = getattr(kept, "said_ready", None)
            while said_ready is not None and not said_ready():
                await asyncio.wait([ended], timeout=PORT_EVERY_SECONDS)
                if ended.done():
                    break
            self.note(kept)
            return await ended
        finally:
            ended.cancel()

    async def _start_again(self, kept: Kept, delay_seconds: float) -> float:
        """Start it, however often that takes; returns the delay to use next time."""
        while True:
            await asyncio.sleep(delay_seconds)
            delay_seconds = min(delay_seconds * 2, BACKOFF_MAX_SECONDS)
            try:
                await kept.start()
            except (StartError, OSError) as error:
                self._report(f"{kept.name}: {error} Trying again in {delay_seconds:g} s.")
            else:
                self.note(kept)
                return delay_seconds
