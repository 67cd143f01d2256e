"""What was measured, and how it is shown: one table, and the same as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

PLAIN_COLUMNS = 200
"""The width when the output is no terminal, so that nothing is cut in a log."""


@dataclass
class Row:
    """One figure of ours beside a raw limit and the peer's."""

    key: str
    name: str
    unit: str
    raw_is: str = ""
    """What the raw limit is; empty: there is none."""
    target: str = ""
    more_is_better: bool = True
    ours: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def ratio(self, other: Sequence[float]) -> float | None:
        """How many times better ours is (below 1: worse)."""
        if not self.ours or not other:
            return None
        ours, theirs = statistics.median(self.ours), statistics.median(other)
        if not ours or not theirs:
            return None
        return ours / theirs if self.more_is_better else theirs / ours

    def note(self, text: str) -> None:
        """Say something about the row, once."""
        if text not in self.notes:
            self.notes.append(text)


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the table."""
    table = Table(
        title="Pixelpop beside raw limits and the usual stack: median (least to most) of repeats",
        show_lines=console.is_terminal,
    )
    columns = ("what", "unit", "ours", "raw limit", "peer", "ours/raw", "ours/peer", "target")
    for name in columns:
        table.add_column(name, justify="left" if name in {"what", "unit"} else "right")
    for row in rows:
        table.add_row(
            row.name,
            row.unit,
            spread(row.ours),
            spread(row.raw),
            spread(row.peer),
            times(row.ratio(row.raw)),
            times(row.ratio(row.peer)),
            row.target,
        )
    console.print(table)
    for row in rows:
        about = [f"raw limit: {row.raw_is}"] if row.raw_is else []
        for text in [*about, *row.notes]:
            console.print(f"  {row.name}: {text}", highlight=False)


def make_console() -> Console:
    """A terminal as it is; anything else plain and wide."""
    console = Console()
    return console if console.is_terminal else Console(width=PLAIN_COLUMNS, no_color=True)


def spread(values: Sequence[float]) -> str:
    """Median and range, in as many digits as mean something."""
    if not values:
        return "-"
    middle = number(statistics.median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({number(min(values))} to {number(max(values))})"


def number(value: float) -> str:
    """Whole from 100 on, one digit below."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def times(ratio: float | None) -> str:
    """A ratio as people say it."""
    return "-" if ratio is None else f"{ratio:.2f} x"


def save(rows: Sequence[Row], facts: dict[str, Any], file: Path) -> None:
    """Write everything that was measured, repeats included."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"machine": facts, "rows": rows}
    file.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1))
