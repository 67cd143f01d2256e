"""Starting and ending processes so that none is ever left behind.

What is started dies with us (`runtime.launch`), is remembered in `<data_dir>/run/NAME.json` as pid
and creation time, and is ended by a signal, then, after a bounded wait, by SIGKILL. A next start in
the same data directory finds there what a killed one left running, and ends it; the creation time
makes sure that a pid used again by somebody else is left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec
import psutil
import structlog

log = structlog.get_logger(__name__)

LAUNCHER = Path(__file__).with_name("launch.py")
CREATED_TOLERANCE_SECONDS = 0.02
"""Creation times are exact to the kernel's clock tick."""


class Remembered(msgspec.Struct, frozen=True):
    """Which process a record means."""

    pid: int
    created: float


async def spawn(
    name: str,
    command: Sequence[str],
    *,
    run_dir: Path,
    death_signal: signal.Signals,
    output: IO[bytes] | int,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
) -> Process:
    """Start a process that gets `death_signal` when this one dies, and remember it.

    Call it from a thread that lives as long as the process: Linux means the thread by "parent".
    """
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER)]
    process = await asyncio.create_subprocess_exec(
        *launcher,
        str(int(death_signal)),
        str(os.getpid()),
        user or "-",
        *command,
        stdin=DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        env=None if environment is None else dict(environment),
    )
    remember(run_dir, name, process.pid)
    return process


async def end(process: Process, first: signal.Signals, timeout_seconds: float) -> bool:
    """End a child: `first`, a bounded wait, SIGKILL. Returns whether `first` was enough."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(first)
    try:
        async with asyncio.timeout(timeout_seconds):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return False
    return True


def remember(run_dir: Path, name: str, pid: int) -> None:
    """Write down which process `name` is."""
    run_dir.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(psutil.NoSuchProcess):  # already dead: nothing to find later
        record = Remembered(pid, psutil.Process(pid).create_time())
        (run_dir / f"{name}.json").write_bytes(msgspec.json.encode(record))


def forget(run_dir: Path, name: str) -> None:
    """The process has ended, and nobody need look for it."""
    (run_dir / f"{name}.json").unlink(missing_ok=True)


def running(run_dir: Path, name: str) -> psutil.Process | None:
    """The remembered process, if it is still that one."""
    try:
        record = msgspec.json.decode((run_dir / f"{name}.json").read_bytes(), type=Remembered)
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.created) <= CREATED_TOLERANCE_SECONDS
    except (FileNotFoundError, msgspec.DecodeError, psutil.NoSuchProcess):
        return None
    return process if same and process.status() != psutil.STATUS_ZOMBIE else None


async def end_leftover(
    run_dir: Path, name: str, first: signal.Signals, timeout_seconds: float
) -> None:
    """End what an earlier start of the same data directory left running under this name."""
    process = running(run_dir, name)
    if process is not None:
        log.warning("ending a process that an earlier start left", name=name, pid=process.pid)
        await end_processes([process], first, timeout_seconds)
    forget(run_dir, name)


async def end_processes(
    processes: Sequence[psutil.Process], first: signal.Signals, timeout_seconds: float
) -> None:
    """End processes that are not our children, so that their fate can only be polled."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(first)
    gone, alive = await asyncio.to_thread(psutil.wait_procs, processes, timeout_seconds)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    await asyncio.to_thread(psutil.wait_procs, alive, timeout_seconds)
    log.info("ended leftover processes", asked=len(gone), killed=len(alive))
