"""`pixelpop up`: every part on one machine, kept running, and stopped in order."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus

import msgspec
from rich.console import Console

from runtime import data_lock, ports, probe, secrets
from runtime.child import Child
from runtime.embedded.servers import EmbeddedServers
from runtime.errors import StartError
from runtime.preparing import Plan, prepare
from runtime.registry import Registry
from runtime.settings import Settings, to_environment, variables
from runtime.supervisor import Supervisor

POLLING = "telegram-poll"
"""Fetches updates for the bot, where Telegram cannot bring them."""
STOP_ORDER = (
    POLLING,
    *("gateway", "worker", "webhooks", "messages", "auditor", "decider", "eraser"),
    "projector",
)
"""What comes in first, then who makes facts, then who only follows; servers come last."""

START_ORDER = (
    *("decider", "worker", "projector", "webhooks", "messages", "auditor", "eraser"),
    "gateway",
)
READYZ_EVERY_SECONDS = 0.1

Report = Callable[[str], None]


def child_command(process: str) -> list[str]:
    """How a process of ours is started."""
    return [sys.executable, "-m", "pixelpop", process]


class Up:
    """One run of `pixelpop up`.

    Args:
        settings: as loaded; servers and secrets may be missing.
        plan: what must exist in the servers before the processes start.
        copies: how many of each process.
        command: how a process is started.
    """

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        copies: Mapping[str, int],
        *,
        console: Console,
        command: Callable[[str], Sequence[str]] = child_command,
    ) -> None:
        data_dir = settings.data_dir.absolute()
        self._settings = msgspec.structs.replace(settings, data_dir=data_dir)
        self._plan = plan
        self._copies = copies
        self._console = console
        self._command = command
        self._children: list[Child] = []
        self._servers = EmbeddedServers(self._settings, console=console, report=self._report)
        self._supervisor = Supervisor(Registry(data_dir), self._report)

    async def run(self, stop: asyncio.Event) -> None:
        """Start everything, say where it is, and keep it running until `stop` is set.

        Raises:
            StartError: something cannot start; what had been started is stopped again.
        """
        with data_lock.locked(self._settings.data_dir):
            starting = asyncio.create_task(self._start())
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
                if starting.done():
                    self._welcome(await starting)
                    await stopping
            finally:
                starting.cancel()
                stopping.cancel()
                await asyncio.gather(starting, stopping, return_exceptions=True)
                await self._stop()

    async def _start(self) -> Settings:
        ports.require_free(self._settings.port, "PIXELPOP_PORT", self._settings.host)
        with self._console.status("Starting the servers"):
            settings = self._believed(secrets.resolve(await self._servers.start()))
        for server in self._servers.running.values():
            self._supervisor.keep(server)
        urls = await prepare(settings, self._plan, logins=True)
        self._children = [
            self._child(settings, urls[process], process, number)
            for process in START_ORDER
            for number in range(1, self._copies.get(process, 1) + 1)
        ]
        if self._polls():
            self._children.append(self._child(settings, None, POLLING, 1))
        for child in self._children:
            await child.start()
        await self._until_ready(settings)
        return settings

    def _polls(self) -> bool:
        """Whether there is a bot of somebody's own, and Telegram cannot come here."""
        settings = self._settings
        is_public = (settings.public_url or "").startswith("https://")
        return bool(settings.telegram_bot_token) and settings.telegram_poll and not is_public

    def _believed(self, settings: Settings) -> Settings:
        """With a secret that the gateway believes updates by, for as long as this runs."""
        if not self._polls() or settings.telegram_webhook_secret:
            return settings
        return msgspec.structs.replace(settings, telegram_webhook_secret=secrets.make_password())

    def _child(
        self, settings: Settings, database_url: str | None, process: str, number: int
    ) -> Child:
        own = msgspec.structs.replace(
            settings,
            database_url=database_url,
            slot=str(number),
            log_format=self._log_format(),
        )
        ours = {variable for variable, _, _ in variables()}
        inherited = {name: value for name, value in os.environ.items() if name not in ours}
        return Child(
            process if number == 1 else f"{process}-{number}",
            [*self._command("telegram"), "poll"] if process == POLLING else self._command(process),
            run_dir=data_lock.run_dir(settings.data_dir),
            environment={**inherited, **to_environment(own)},
            output=self._forward,
            stop_timeout_seconds=settings.stop_timeout_seconds,
        )

    async def _until_ready(self, settings: Settings) -> None:
        """Wait for all; only the gateway's failure to answer in time stops the start."""
        waits = {
            child.name: asyncio.create_task(self._until_child_ready(child, settings))
            for child in self._children
        }
        try:
            done, late = await asyncio.wait(
                waits.values(),
                timeout=settings.start_timeout_seconds,
                return_when=asyncio.FIRST_EXCEPTION,
            )
            for task in done:
                task.result()
            names = [name for name, task in waits.items() if task in late]
        finally:
            for task in waits.values():
                task.cancel()
        if "gateway" in names:
            raise StartError(
                f"The gateway was not ready in {settings.start_timeout_seconds:g} s; "
                "what it waits for is in its output above."
            )
        for name in names:
            self._report(f"{name} is still catching up")
        for child in self._children:
            self._supervisor.keep(child)

    async def _until_child_ready(self, child: Child, settings: Settings) -> None:
        await child.until_ready()
        if child.name == "gateway":
            host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host  # noqa: S104  compared, not bound
            port = child.port or settings.port
            while (await probe.get(port, "/readyz", host)).status != HTTPStatus.OK:
                if child.pid is None:
                    await child.until_ready()  # says why it ended
                await asyncio.sleep(READYZ_EVERY_SECONDS)
        self._report(f"{child.name} is ready")

    async def _stop(self) -> None:
        children = [
            [child for child in self._children if child.name.rstrip("-0123456789") == process]
            for process in STOP_ORDER
        ]
        await self._supervisor.stop([*children, list(self._servers.running.values())])
        self._report("Everything has stopped")

    def _welcome(self, settings: Settings) -> None:
        gateway = next(child for child in self._children if child.name == "gateway")
        host = "localhost" if settings.host in {"0.0.0.0", "127.0.0.1"} else settings.host  # noqa: S104  compared, not bound
        me = f"{os.path.relpath(sys.executable)} -m pixelpop"
        lines = (
            f"Pixelpop is ready: http://{host}:{gateway.port or settings.port}/",
            f"  Sign-in data:  {me} init-data --user 1",
            f"  Processes:     {settings.data_dir / 'processes.json'}  ({me} ps)",
            f"  Server logs:   {settings.data_dir / 'logs'}",
            "  Stop:          Ctrl-C",
        )
        self._report("\n".join(lines))

    def _report(self, line: str) -> None:
        with suppress(BrokenPipeError):  # nobody reads; that is no reason to stop
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _log_format(self) -> str:
        """Children write to a pipe; whether a person reads it is known here."""
        if self._settings.log_format == "auto" and self._console.is_terminal:
            return "pretty"
        return self._settings.log_format

    def _forward(self, name: str, line: str) -> None:
        prefix = f"{name:<9} |"
        if self._console.is_terminal and not self._console.no_color:
            prefix = f"\x1b[{COLOURS[sum(name.encode()) % len(COLOURS)]}m{prefix}\x1b[0m"
        with suppress(BrokenPipeError):
            self._console.file.write(f"{prefix} {line}\n")
            self._console.file.flush()


COLOURS = (36, 32, 35, 34, 33)
"""ANSI foreground colours; processes keep theirs."""
