"""`pixelpop up` with fake processes, for tests of everything around them.

Run as `python -m tests.fakes.up [KIND]`: KIND replaces the worker's behaviour.
"""

from __future__ import annotations

import asyncio
import sys

from rich.console import Console

from pixelpop import _plan
from runtime import process
from runtime.settings import Settings
from runtime.up import Up

WORKER = sys.argv[1] if len(sys.argv) > 1 else "worker"


def command(name: str) -> list[str]:
    """Start the fake in place of the process."""
    return [sys.executable, "-m", "tests.fakes.process", WORKER if name == "worker" else name]


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Run it with two workers."""
    up = Up(settings, _plan(), {"worker": 2}, console=Console(), command=command)
    await up.run(stop)


if __name__ == "__main__":
    sys.exit(process.run("up", main, resolve=False))
