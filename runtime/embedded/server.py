"""What the embedded servers have in common: one process, started, watched, and ended in order."""

from __future__ import annotations

import asyncio
import signal
import time
from abc import ABC, abstractmethod
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import ClassVar

import structlog

from runtime import spawning
from runtime.disk import DiskFull
from runtime.errors import StartError

log = structlog.get_logger(__name__)

LOG_BYTES_MAX = 10_000_000
LOG_TAIL_BYTES = 4_000
READY_EVERY_SECONDS = 0.02
STOP_TIMEOUT_SECONDS = 20.0
"""Kafka may write its class-data archive at its first end, which takes seconds."""


class ServerFailed(StartError):
    """An embedded server ended while starting, or did not answer in time."""

    code = "embedded-server-failed"


class EmbeddedServer(ABC):
    """One server process; the subclasses say how it is started and when it is ready.

    Attributes:
        name: its name in processes.json and of its files.
        port: where it answers; 0 before the first start.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    ready_timeout_seconds: ClassVar[float] = 60.0

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute()
        self.folder = self.data_dir / self.name
        self.run_dir = self.data_dir / "run"
        self.log_file = self.data_dir / "logs" / f"{self.name}.log"
        self.port = 0
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """The server's process, None when it does not run."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process is not None else None

    @abstractmethod
    async def start(self) -> str:
        """Start the server, wait until it answers in its own protocol, return its address."""

    async def wait(self) -> int:
        """Wait until the process ends; its exit status, negative for a signal."""
        assert self._process is not None, f"{self.name} was not started"
        return await self._process.wait()

    async def stop(self) -> None:
        """End the server: its own way first, SIGKILL after a bounded wait."""
        if self._process is not None:
            if not await spawning.end(self._process, self.stop_signal, STOP_TIMEOUT_SECONDS):
                log.warning("a server had to be killed", server=self.name)
            spawning.forget(self.run_dir, self.name)

    async def end_leftover(self) -> None:
        """End the server that a killed start of this data directory left running, if any."""
        await spawning.end_leftover(self.run_dir, self.name, self.stop_signal, STOP_TIMEOUT_SECONDS)

    async def _launch(self, command: Sequence[str], *, user: str | None = None) -> None:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_BYTES_MAX:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        with self.log_file.open("ab") as output:
            self._process = await spawning.spawn(
                self.name,
                command,
                run_dir=self.run_dir,
                death_signal=self.stop_signal,
                output=output.fileno(),
                user=user,
            )

    async def _until_ready(self, answers: Callable[[], Awaitable[bool]]) -> None:
        """Ask until the server answers; end it and say why when it does not."""
        assert self._process is not None
        deadline = time.monotonic() + self.ready_timeout_seconds
        while not await answers():
            if self._process.returncode is not None:
                spawning.forget(self.run_dir, self.name)
                raise self._failure(f"ended with status {self._process.returncode} while starting")
            if time.monotonic() > deadline:
                await self.stop()
                raise self._failure(f"did not answer in {self.ready_timeout_seconds:g} s")
            await asyncio.sleep(READY_EVERY_SECONDS)

    def _failure(self, what: str) -> StartError:
        tail = log_tail(self.log_file)
        if "No space left on device" in tail:
            return DiskFull(
                f"{self.title} {what}: the disk that holds {self.data_dir} is full. "
                "Make room and start again."
            )
        last = next((line for line in reversed(tail.splitlines()) if line.strip()), "nothing")
        return ServerFailed(f"{self.title} {what}. Its log, {self.log_file}, ends with: {last}")


def log_tail(file: Path) -> str:
    """The last lines of a log."""
    if not file.exists():
        return ""
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - LOG_TAIL_BYTES))
        return stream.read().decode(errors="replace")


async def listens(port: int) -> bool:
    """Whether something accepts connections on that port: cheap to ask before the real protocol."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
