"""What runs on a data directory, for `pixelpop ps`."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil
from rich.console import Console
from rich.table import Table

from runtime import data_lock, registry


class Row(msgspec.Struct, frozen=True):
    """One process of a running `pixelpop up`.

    Attributes:
        state: `running`, or `restarting` while it waits for its next start.
        resident_bytes: its memory, 0 when it does not run.
        uptime_seconds: since when it runs, 0 when it does not.
    """

    name: str
    pid: int
    port: int
    restarts: int
    state: str
    resident_bytes: int
    uptime_seconds: float


def processes(data_dir: Path) -> list[Row]:
    """All processes of the `up` on this data directory; none when none runs there."""
    if data_lock.holder(data_dir) is None:
        return []
    return [_row(name, entry) for name, entry in registry.read(data_dir).items()]


def _row(name: str, entry: registry.Entry) -> Row:
    state, resident, uptime = "restarting", 0, 0.0
    if entry.pid:  # 0 would be the system's own
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(entry.pid)
            resident, uptime = process.memory_info().rss, time.time() - process.create_time()
            state = "running"
    return Row(name, entry.pid, entry.port, entry.restarts, state, resident, round(uptime, 1))


def show(rows: list[Row]) -> None:
    """Print a table."""
    console = Console()
    if not rows:
        console.print("Nothing runs on this data directory. Start with: pixelpop up")
        return
    table = Table("name", "state", box=None, pad_edge=False)
    for title in ("pid", "port", "restarts", "memory", "up for"):
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(
            row.name,
            row.state,
            str(row.pid or ""),
            str(row.port or ""),
            str(row.restarts),
            f"{row.resident_bytes / 1e6:.0f} MB",
            f"{row.uptime_seconds:.0f} s",
        )
    console.print(table)
