"""Processes that the harness starts: they die with it, and their output goes to files."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import psutil

from runtime.spawning import end, forget, spawn

READY_SECONDS = 60.0
STOP_SECONDS = 15.0
EVERY_SECONDS = 0.05
LOG_TAIL_BYTES = 2_000


class ChildFailed(RuntimeError):
    """A process ended, or did not become ready; the message ends with its output."""


class Children:
    """All processes of one bench run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: dict[str, Process] = {}

    async def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a process under a name; its output goes to `NAME.log`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._log(name).open("ab") as output:
            self._processes[name] = await spawn(
                name,
                command,
                run_dir=self._folder / "run",
                death_signal=signal.SIGTERM,
                output=output.fileno(),
                environment=environment,
            )

    async def start_python(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        """Start Python with these arguments."""
        await self.start(name, [sys.executable, *arguments], environment)

    async def ready(
        self, name: str, answers: Callable[[], Awaitable[bool]], seconds: float = READY_SECONDS
    ) -> None:
        """Wait until `answers`.

        Raises:
            ChildFailed: the process ended, or the time is up.
        """
        try:
            async with asyncio.timeout(seconds):
                while not await answers():
                    if self._processes[name].returncode is not None:
                        raise ChildFailed(f"{name} ended: {self.tail(name)}")
                    await asyncio.sleep(EVERY_SECONDS)
        except TimeoutError as error:
            raise ChildFailed(f"{name} is not ready: {self.tail(name)}") from error

    async def done(self, name: str) -> None:
        """Wait for a process that ends by itself.

        Raises:
            ChildFailed: it ended with an error.
        """
        status = await self._processes.pop(name).wait()
        forget(self._folder / "run", name)
        if status != 0:
            raise ChildFailed(f"{name} ended with {status}: {self.tail(name)}")

    def running(self, name: str) -> bool:
        """Whether it was started and has not ended."""
        process = self._processes.get(name)
        return process is not None and process.returncode is None

    def tail(self, name: str) -> str:
        """The end of its output."""
        file = self._log(name)
        return file.read_text(errors="replace")[-LOG_TAIL_BYTES:] if file.exists() else ""

    def memory_mb(self, name: str) -> tuple[float, float]:
        """Resident memory of a process now, and the most it ever was (0: not known here)."""
        pid = self._processes[name].pid
        resident = psutil.Process(pid).memory_info().rss / 1e6
        status = Path(f"/proc/{pid}/status")
        peak_kb = 0
        if status.exists():
            found = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
            peak_kb = int(found[0].split()[1])
        return resident, peak_kb * 1024 / 1e6

    def cpu_seconds(self, name: str) -> float:
        """Processor time used so far, helpers of the process included."""
        return family_cpu_seconds(self._processes[name].pid)

    def all_cpu_seconds(self) -> dict[str, float]:
        """The same of every process that runs."""
        return {name: self.cpu_seconds(name) for name in self._processes if self.running(name)}

    async def stop(self, name: str) -> None:
        """End one process and wait for its end."""
        process = self._processes.pop(name, None)
        if process is not None:
            await end(process, signal.SIGTERM, STOP_SECONDS)
            forget(self._folder / "run", name)

    async def stop_all(self) -> None:
        """End all, the last started first."""
        for name in reversed(list(self._processes)):
            await self.stop(name)

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"


def family_cpu_seconds(pid: int) -> float:
    """Processor time used so far by a process, its threads, and its living children but ours."""
    process = psutil.Process(pid)
    family = [process] if pid == os.getpid() else [process, *process.children(recursive=True)]
    total = 0.0
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = member.cpu_times()
            total += times.user + times.system
    return total


async def answers_http(port: int, path: str = "/") -> bool:
    """Whether an HTTP server answers there with anything but a server error."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        line = await reader.readline()
        return len(line) > 12 and line[9:10] != b"5"
    except OSError:
        return False
    finally:
        writer.close()


async def answers_tcp(port: int) -> bool:
    """Whether anything listens there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
