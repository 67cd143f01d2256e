"""A child process of ours: started, listened to, waited for, drained and ended."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from runtime import spawning
from runtime.errors import StartError
from runtime.process import EXIT_CONFIG, Ready

LINE_BYTES_MAX = 262_144
"""A longer line of output is forwarded in pieces."""

READY_EVERY_SECONDS = 0.05
LAST_OUTPUT_TIMEOUT_SECONDS = 2.0

Output = Callable[[str, str], None]
"""Takes the child's name and one line of its output."""


class Child:
    """One copy of a process, for instance `worker-2`.

    Attributes:
        name: its name in processes.json and before its output.
        port: where it answers, once it has said so.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        run_dir: Path,
        environment: Mapping[str, str],
        output: Output,
        stop_timeout_seconds: float,
    ) -> None:
        self.name = name
        self.port = 0
        self.ready_file = run_dir / f"{name}.ready"
        self._command = command
        self._run_dir = run_dir
        self._environment = {**environment, "PIXELPOP_READY_FILE": str(self.ready_file)}
        self._output = output
        self._stop_timeout_seconds = stop_timeout_seconds
        self._process: Process | None = None
        self._forwarding: asyncio.Task[None] | None = None
        self._last_line = ""

    @property
    def pid(self) -> int | None:
        """The process, None when it does not run."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process is not None else None

    async def start(self) -> None:
        """Start the process; it dies with us, even when we are killed."""
        await spawning.end_leftover(
            self._run_dir, self.name, signal.SIGTERM, self._stop_timeout_seconds
        )
        self.ready_file.unlink(missing_ok=True)
        self.port = 0
        self._process = await spawning.spawn(
            self.name,
            self._command,
            run_dir=self._run_dir,
            death_signal=signal.SIGKILL,  # what it needs to drain dies at the same moment
            output=PIPE,
            environment={**os.environ, **self._environment},
        )
        self._forwarding = asyncio.create_task(self._forward(self._process))

    async def until_ready(self) -> None:
        """Wait until the process says that it does its work.

        Raises:
            StartError: it ended instead; with its own sentence when it could not start.
        """
        assert self._process is not None, f"{self.name} was not started"
        while not self.said_ready():
            if self._process.returncode is not None:
                await self._hear_it_out()
                raise StartError(self._why(self._process.returncode))
            await asyncio.sleep(READY_EVERY_SECONDS)

    def said_ready(self) -> bool:
        """Whether the running process has said that it is ready; takes over its port."""
        try:
            said = msgspec.json.decode(self.ready_file.read_bytes(), type=Ready)
        except FileNotFoundError:
            return False
        if said.pid != self.pid:
            return False
        self.port = said.port
        return True

    async def wait(self) -> int:
        """Wait until the process has ended and its output is forwarded; its exit status."""
        assert self._process is not None, f"{self.name} was not started"
        status = await self._process.wait()
        await self._hear_it_out()
        return status

    async def stop(self) -> None:
        """Let the process drain, within bounds, then end it."""
        if self._process is None:
            return
        if not await spawning.end(self._process, signal.SIGTERM, self._stop_timeout_seconds):
            self._output(self.name, f"killed: not done {self._stop_timeout_seconds:g} s after stop")
        await self._hear_it_out()
        spawning.forget(self._run_dir, self.name)
        self.ready_file.unlink(missing_ok=True)

    def _why(self, status: int) -> str:
        if status == EXIT_CONFIG and self._last_line:
            return f"{self.name} cannot start: {self._last_line}"
        return f"{self.name} ended with status {status} while starting; its output is above."

    async def _hear_it_out(self) -> None:
        """Let the last lines through; a grandchild that keeps the pipe open is not waited for."""
        if self._forwarding is not None:
            await asyncio.wait([self._forwarding], timeout=LAST_OUTPUT_TIMEOUT_SECONDS)
            self._forwarding.cancel()

    async def _forward(self, process: Process) -> None:
        assert process.stdout is not None
        rest = b""
        while chunk := await process.stdout.read(LINE_BYTES_MAX):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) >= LINE_BYTES_MAX:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._say(line)
        if rest:
            self._say(rest)

    def _say(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        if text:
            self._last_line = text
            self._output(self.name, text)
