"""The frame around every process: settings, logs, the event loop, signals and exit statuses.

Exit statuses: 0 asked to stop and done, 1 a crash (logged), 78 cannot start as configured (one
sentence on stderr; restarting will not help). The first SIGTERM or SIGINT asks to stop, the second
ends the process at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import msgspec
import structlog
import uvloop

from runtime import secrets
from runtime.collecting import collect_rarely
from runtime.errors import StartError
from runtime.settings import Settings, load
from runtime.telemetry import logs

log = structlog.get_logger(__name__)

EXIT_CRASH = 1
EXIT_CONFIG = 78
"""EX_CONFIG of sysexits.h."""

Main = Callable[[Settings, asyncio.Event], Awaitable[None]]


class Ready(msgspec.Struct, frozen=True):
    """What a process says about itself once it does its work."""

    pid: int
    port: int


def ready(settings: Settings, port: int = 0) -> None:
    """Say that this process does its work now, and where it answers (/metrics or the API).

    Every `main` calls it once; the supervisor waits for it. Without a supervisor it does nothing.
    """
    if settings.ready_file is not None:
        growing = settings.ready_file.with_suffix(".growing")
        growing.parent.mkdir(parents=True, exist_ok=True)
        growing.write_bytes(msgspec.json.encode(Ready(os.getpid(), port)))
        growing.replace(settings.ready_file)


def run(name: str, main: Main, *, resolve: bool = True) -> int:
    """Run an asynchronous `main` until it returns; returns the exit status.

    `resolve=False` hands over the settings as they are loaded, secrets still missing.
    """
    return run_blocking(name, lambda settings: _run_async(settings, main), resolve=resolve)


def run_blocking(name: str, main: Callable[[Settings], int], *, resolve: bool = True) -> int:
    """Run a `main` that owns its event loop and its signals; returns the exit status."""
    collect_rarely()
    try:
        settings = secrets.resolve(load()) if resolve else load()
        logs.configure(settings, name)
        return main(settings)
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIG
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Exception:
        log.exception("process crashed", process=name)
        return EXIT_CRASH


def _run_async(settings: Settings, main: Main) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_stopped(settings, main))
    return 0


async def _until_stopped(settings: Settings, main: Main) -> None:
    stop = asyncio.Event()
    handle_signals(stop)
    await main(settings, stop)


def handle_signals(stop: asyncio.Event) -> None:
    """Let SIGTERM and SIGINT set `stop`, and a second one end the process at once."""

    def received(number: signal.Signals) -> None:
        if stop.is_set():
            sys.stderr.write(f"second {number.name}: ending at once\n")
            os._exit(128 + number)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, received, number)
