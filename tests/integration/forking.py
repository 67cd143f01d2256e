"""Processes that begin where another one has loaded everything: no seconds for each one's imports.

The standard library's fork server loads what they need, once; each process is forked from it, with
an environment of its own. They are killed, paused and asked to stop as any other.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess

from runtime import process

PRELOADED = (
    "processors.worker.main",
    "processors.messages.main",
    "processors.webhooks.main",
    "runtime.telegram.session",
    "openai",
)

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(PRELOADED))


class Forked:
    """One such process, as `asyncio.subprocess.Process` shows one."""

    def __init__(self, forked: ForkServerProcess) -> None:
        self._forked = forked
        assert forked.pid is not None
        self.pid = forked.pid

    @property
    def returncode(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._forked.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to stop."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Wait for its end; returns its exit status."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        sentinel = self._forked.sentinel
        loop.add_reader(sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(sentinel)
        status = self.returncode
        assert status is not None
        return status


def fork(name: str, module: str, environment: Mapping[str, str]) -> Forked:
    """Start the process of that name, whose `run` is in `module`."""
    forked = _context.Process(target=_begin, args=(name, module, dict(environment)), name=name)
    forked.start()
    return Forked(forked)


def _begin(name: str, module: str, environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    sys.exit(process.run_blocking(name, importlib.import_module(module).run))
