"""A whole Pixelpop, started as a person starts it: `pixelpop up` in an empty directory."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from pathlib import Path
from typing import Any

import httpx
import msgspec

from gateway.identity.init_data import sign_init_data
from runtime import secrets
from runtime.ports import free_port
from runtime.settings import load
from runtime.waiting import until

ROOT = Path(__file__).parents[2]
START_SECONDS = 90.0
STOP_SECONDS = 60.0


class System:
    """One data directory, and the `pixelpop up` that runs on it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.module = "pixelpop"
        """What runs `up`."""
        self.output: list[str] = []
        self.starts = 0
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its commands."""
        ours = {
            "PIXELPOP_DATA_DIR": str(self.data_dir),
            "PIXELPOP_PORT": str(self.port),
            "PIXELPOP_LOCAL_LATENCY_SECONDS": "0.2",
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PIXELPOP_")}
        return kept | ours

    async def start(self) -> None:
        """`pixelpop up`, until it says that it is ready."""
        self.output.clear()
        self.starts += 1
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", self.module, "up"),
            cwd=ROOT,
            env=self.environment,
            stdout=PIPE,
            stderr=STDOUT,
        )
        self._reading = asyncio.create_task(self._read(self._process))
        await until(self._ready, START_SECONDS, every_seconds=0.2, what="pixelpop up")

    async def up(self) -> None:
        """Start it unless it runs."""
        if self._process is None or self._process.returncode is not None:
            await self.start()

    async def stop(self) -> int:
        """Ctrl-C; returns the exit status."""
        assert self._process is not None
        assert self._reading is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)
        async with asyncio.timeout(STOP_SECONDS):
            status = await self._process.wait()
            await self._reading
        return status

    def init_data(self, user: int, **said: str) -> str:
        """As `pixelpop init-data` prints it: signed with the token that the start made up."""
        settings = msgspec.structs.replace(load(self.environment), embedded=True)
        token = secrets.resolve(settings).telegram_bot_token
        assert token is not None
        return sign_init_data(token, {"id": user, "first_name": "Ada", **said}, int(time.time()))

    async def command(self, *arguments: str) -> str:
        """What a `pixelpop` command prints."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pixelpop", *arguments),
            cwd=ROOT,
            env=self.environment,
            stdout=PIPE,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0
        return said.decode().strip()

    async def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, "\n".join(self.output[-30:])
        return any("Pixelpop is ready" in line for line in self.output)

    async def _read(self, process: Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            self.output.append(line.decode(errors="replace").rstrip())


async def sign_in(system: System, http: httpx.AsyncClient, user: int) -> dict[str, str]:
    """Log in with init data; returns the header that proves it."""
    answer = await http.post("/auth/login", json={"init_data": system.init_data(user)})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def lines_of(response: httpx.Response) -> list[tuple[str, str]]:
    """(event, id) of an SSE stream, until it ends."""
    found, name, place = [], "message", ""
    async for line in response.aiter_lines():
        field, _, value = line.partition(":")
        if field == "event":
            name = value.strip()
        elif field == "id":
            place = value.strip()
        elif not line and place:
            found.append((name, place))
            name = "message"
    return found


def wish(**fields: Any) -> dict[str, Any]:
    """The body of a small request."""
    body = {"kind": "image", "prompt": "a lighthouse in the fog", "style_id": "poster"}
    return body | {"size": "1024x1024", "count": 1} | fields
