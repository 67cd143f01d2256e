"""`python -m benchmarks`: measure, print one table, keep it as JSON. See docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvloop
from rich.console import Console

from benchmarks import machine, table, world
from benchmarks.load import Target
from benchmarks.peer_stack import Peer
from benchmarks.rows import (
    burst,
    commands,
    decisions,
    finish,
    identity,
    jobs,
    memory,
    moderation,
    projection,
    updates,
)
from benchmarks.table import Row
from benchmarks.world import World
from runtime.process import Ready

log = structlog.get_logger(__name__)

OUTPUT = Path("build") / "bench.json"


@dataclass(frozen=True)
class Size:
    """How much is measured; `QUICK` is for trying whether everything works."""

    repeats: int
    load_seconds: float
    decider_accounts: int
    projection_accounts: int
    finish_generations: int
    jobs: int
    memory_accounts: int
    check_seconds: float
    updates: int
    burst_jobs: int
    burst_seconds: float


FULL = Size(3, 5.0, 20_000, 30_000, 150, 600, 100_000, 2.0, 100_000, 100, 10.0)
QUICK = Size(1, 1.5, 2_000, 2_000, 20, 60, 2_000, 0.2, 2_000, 20, 2.0)


async def _front(size: Size, folder: Path, *, only: set[str]) -> list[Row]:
    """Rows that need the gateway, and the peer beside it."""
    async with world.running(folder) as ours:
        gateway = await _start_ours(ours)
        peer = await _start_peer(ours)
        rows: list[Row] = []
        if "commands" in only:
            sides = commands.Commands(ours, gateway, peer, size.load_seconds)
            await sides.start_raw()
            rows += await commands.measure(sides, size.repeats, with_peer=peer is not None)
            await ours.stop("raw-asgi", "raw-litestar")
        if "done" in only:
            rows += await finish.measure(ours, gateway, peer, size.repeats, size.finish_generations)
        missing = Peer.missing()
        if missing:
            for row in rows:
                row.note(f"no peer: {missing}")
        return rows


async def _start_ours(ours: World) -> Target:
    for process in ("decider", "projector"):
        await ours.start(process)
    ready = await ours.start("gateway")
    assert isinstance(ready, Ready)
    return Target(ready.port)


async def _start_peer(ours: World) -> Peer | None:
    if Peer.missing():
        return None
    server = ours.settings.database_url
    assert server is not None
    peer = Peer(ours.children, ours.folder, server)
    await peer.start()
    return peer


async def _commands(size: Size, folder: Path) -> list[Row]:
    return await _front(size, folder, only={"commands"})


async def _done(size: Size, folder: Path) -> list[Row]:
    return await _front(size, folder, only={"done"})


async def _decisions(size: Size, folder: Path) -> list[Row]:
    async with world.running(folder) as ours:
        return await decisions.measure(ours, size.repeats, size.decider_accounts)


async def _projection(size: Size, folder: Path) -> list[Row]:
    async with world.running(folder) as ours:
        return await projection.measure(ours, size.repeats, size.projection_accounts)


async def _jobs(size: Size, folder: Path) -> list[Row]:
    async with world.running(folder) as ours:
        return await jobs.measure(ours, size.repeats, size.jobs)


async def _memory(size: Size, folder: Path) -> list[Row]:
    async with world.running(folder) as ours:
        return await memory.measure(ours, size.memory_accounts)


async def _identity(size: Size, _folder: Path) -> list[Row]:
    return await identity.measure(max(size.repeats, 5), size.check_seconds)


async def _updates(size: Size, folder: Path) -> list[Row]:
    async with world.running(folder) as ours:
        return await updates.measure(ours, size.repeats, size.updates)


async def _moderation(size: Size, _folder: Path) -> list[Row]:
    return await moderation.measure(size.repeats, size.check_seconds)


async def _burst(size: Size, folder: Path) -> list[Row]:
    async with world.running(folder) as ours:
        return await burst.measure(ours, size.repeats, size.burst_jobs, size.burst_seconds)


GROUPS: dict[str, Callable[[Size, Path], Awaitable[list[Row]]]] = {
    "commands": _commands,
    "done": _done,
    "decisions": _decisions,
    "projection": _projection,
    "jobs": _jobs,
    "memory": _memory,
    "identity": _identity,
    "updates": _updates,
    "moderation": _moderation,
    "burst": _burst,
}


async def run(names: list[str], size: Size, console: Console) -> list[Row]:
    """Measure group after group, each on servers of its own that are empty at the start."""
    rows: list[Row] = []
    for name in names:
        console.print(f"measuring: {name}", highlight=False)
        with tempfile.TemporaryDirectory(prefix="pixelpop-bench-") as folder:
            os.chmod(folder, 0o755)  # noqa: PTH101  PostgreSQL is another user, and must get in
            rows += await GROUPS[name](size, Path(folder) / name)
    return rows


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and short: does it all work?")
    parser.add_argument(
        "--only",
        metavar="GROUP,…",
        default=",".join(GROUPS),
        help=f"some of: {', '.join(GROUPS)}",
    )
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the JSON goes")
    chosen = parser.parse_args()
    names = chosen.only.split(",")
    unknown = set(names) - set(GROUPS)
    if unknown:
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    console = table.make_console()
    facts = machine.facts()
    for name, value in facts.items():
        console.print(f"{name}: {value}", highlight=False)
    rows = uvloop.run(run(names, QUICK if chosen.quick else FULL, console))
    table.show(rows, console)
    table.save(rows, facts, chosen.output)
    console.print(f"written: {chosen.output}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
