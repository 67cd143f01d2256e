"""The process `pixelpop worker`, as tests run it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

from runtime.settings import Settings
from tests.integration.forking import Forked
from tests.integration.processes import running


class Worker:
    """A worker process of a test."""

    def __init__(self, process: Forked) -> None:
        self.process = process

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self.process.kill()

    def pause(self) -> None:
        """Stop it where it is."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.process.pid, signal.SIGCONT)

    async def stop(self, timeout_seconds: float = 40.0) -> int:
        """Ask it to stop; returns its exit status."""
        self.process.terminate()
        return await self.ended(timeout_seconds)

    async def ended(self, timeout_seconds: float = 40.0) -> int:
        """Wait until it ends by itself; returns its exit status."""
        async with asyncio.timeout(timeout_seconds):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def worker(
    settings: Settings, *, ready: bool = True, slot: str = "1", **changes: Any
) -> AsyncIterator[Worker]:
    """Run a worker process inside; it is killed at the end if it still runs."""
    module = "processors.worker.main"
    async with running("worker", module, settings, wait=ready, slot=slot, **changes) as process:
        yield Worker(process)
