"""The system under test: one `pixelpop up` in a folder of its own, as a user would start it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

import psutil

from runtime import registry, secrets
from runtime.embedded.servers import attach
from runtime.ports import free_port
from runtime.settings import Settings, load, variables
from runtime.waiting import until

PROJECT = Path(__file__).parents[2]
START_SECONDS_MAX = 300.0
"""The very first start downloads the servers."""
STOP_SECONDS_MAX = 120.0
GONE_SECONDS_MAX = 10.0
TAIL_LINES = 25
UNIMPORTANT = '"logger":"aiokafka'
"""It says at every turn that a broker is away, which is what was done to it."""
IMPORTANT = re.compile(r'"level":\s*"(error|critical)"|Traceback|cannot start|Error: ')


@dataclass
class Stack:
    """One `pixelpop up`; use it as an asynchronous context manager.

    Attributes:
        folder: where its data and its output go.
        provider_url: where the image model is.
        more: further settings, by the names of their variables.
    """

    folder: Path
    provider_url: str
    more: Mapping[str, str] = field(default_factory=dict)
    bot_token: str = field(default_factory=secrets.make_bot_token)
    _seen: set[psutil.Process] = field(default_factory=set)
    status: int | None = None
    """Of `pixelpop up`, once it has ended."""

    def __post_init__(self) -> None:
        self.data_dir = self.folder / "data"
        self.output = self.folder / "up.log"
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._process: asyncio.subprocess.Process | None = None
        self._out: IO[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the supervisor."""
        assert self._process is not None
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the supervisor has ended, which it never may by itself."""
        return self._process is None or self._process.returncode is not None

    async def __aenter__(self) -> Self:
        """Start, and wait until the API answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._out = self.output.open("wb")
        command = [sys.executable, "-m", "pixelpop", "up", "--workers", "2", "--deciders", "2"]
        self._process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.folder,  # where no `.env` is
            env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=self._out,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            await until(self._is_up, START_SECONDS_MAX, 0.2, "pixelpop up to be ready")
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop, if that was not done before."""
        await self.stop()

    async def stop(self) -> None:
        """Ask it to stop, as Ctrl-C would; bounded."""
        if self._process is not None and self._process.returncode is None:
            self.look()
            self._process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_SECONDS_MAX):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        if self._process is not None:
            self.status = self._process.returncode
        if self._out is not None:
            self._out.close()

    def look(self) -> None:
        """Take note of every process that belongs to it now."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._seen.update(psutil.Process(self.pid).children(recursive=True))

    async def leftovers(self) -> list[str]:
        """What still runs although everything was stopped."""
        with contextlib.suppress(TimeoutError):
            await until(lambda: not self._survivors(), GONE_SECONDS_MAX, 0.1)
        return [str(one) for one in self._survivors()]

    def _survivors(self) -> list[psutil.Process]:
        running = {one for one in psutil.process_iter() if _data_dir_of(one) == str(self.data_dir)}
        return [one for one in running | self._seen if _runs(one)]

    def memory_mib(self) -> dict[str, int]:
        """Resident memory of each process now, with its children; what is shared counts once."""
        sizes = {}
        for name, entry in registry.read(self.data_dir).items():
            try:
                process = psutil.Process(entry.pid)
                family = [process, *process.children(recursive=True)]
                sizes[name] = sum(_bytes_of(one) for one in family) >> 20
            except psutil.NoSuchProcess:
                continue
        return sizes

    def restarts(self) -> dict[str, int]:
        """How often each process was started again."""
        return {name: one.restarts for name, one in registry.read(self.data_dir).items()}

    def settings(self) -> Settings:
        """Settings that name its servers as they run now, with the owner's database."""
        return secrets.resolve(attach(load(self._environment())))

    def _environment(self) -> dict[str, str]:
        """What a machine has on which nothing but the image model is configured."""
        ours = {name for name, _, _ in variables()} - {"PIXELPOP_CACHE_DIR"}
        return {name: value for name, value in os.environ.items() if name not in ours} | {
            "PIXELPOP_DATA_DIR": str(self.data_dir),
            "PIXELPOP_PORT": str(self.port),
            "PIXELPOP_LOG_FORMAT": "json",
            "TELEGRAM_BOT_TOKEN": self.bot_token,
            "PIXELPOP_TELEGRAM_POLL": "false",
            "OPENAI_API_KEY": "sk-chaos",
            "OPENAI_BASE_URL": self.provider_url,
            "PYTHONPATH": str(PROJECT),
            "COLUMNS": "300",
            **self.more,
        }

    async def _is_up(self) -> bool:
        if self.ended:
            raise RuntimeError(f"pixelpop up ended while starting:\n{self.tail()}")
        return b"Pixelpop is ready" in self.output.read_bytes()

    def tail(self) -> str:
        """The last lines of its output that tell of trouble, and the very last ones."""
        lines = self.output.read_text(errors="replace").splitlines()
        important = [one for one in lines if IMPORTANT.search(one) and UNIMPORTANT not in one]
        return "\n".join([*important[-TAIL_LINES:], "…", *lines[-TAIL_LINES:]])


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _bytes_of(process: psutil.Process) -> int:
    memory = process.memory_full_info()
    return int(getattr(memory, "pss", memory.rss))  # only Linux tells shares


def _data_dir_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("PIXELPOP_DATA_DIR")
    except (psutil.Error, OSError):
        return None
