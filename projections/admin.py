"""`pixelpop projections status|rebuild`: what a person sees of the read models."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from projections import rebuild as rebuilding
from projections import schema
from projections import status as looking
from runtime.collecting import collect_rarely
from runtime.postgres.pool import Pool, open_pool
from runtime.settings import Settings

EXIT_FAILED = 1
STATEMENT_SECONDS_MAX = 3_600.0


async def status(settings: Settings, *, as_json: bool = False) -> int:
    """Print where every read schema stands; the exit status is 0."""
    async with _pool(settings) as pool:
        rows = await looking.status(settings, pool)
    if as_json:
        _print_json(rows)
        return 0
    table = Table("schema", "state", box=None, pad_edge=False)
    for title in ("partition", "next", "end", "lag", "epoch"):
        table.add_column(title, justify="right")
    table.add_column("owner")
    for row in rows:
        figures = (row.partition, row.next_offset, row.end_offset, row.lag, row.epoch)
        table.add_row(row.schema, row.state, *map(str, figures), row.owner or "nobody")
    Console().print(table)
    return 0


async def rebuild(
    settings: Settings,
    name: str | None = None,
    *,
    drop_old: bool = False,
    without_comparison: bool = False,
    as_json: bool = False,
) -> int:
    """Rebuild the read models beside the serving ones, compare, swap; 1 when rows differ.

    Args:
        settings: as the projector's role, or the owner's.
        name: only `read` exists: all tables follow from one fold, and are rebuilt together.
        drop_old: afterwards drop the schemas that do not serve any more.
        without_comparison: swap whatever the serving schema holds: it belongs to another log, or
            nobody fills it any more.
        as_json: print the outcome as JSON.
    """
    if name not in {None, "read"}:
        sys.stderr.write(f"There is no projection {name}; `read` holds all tables.\n")
        return EXIT_FAILED
    collect_rarely()
    async with _pool(settings) as pool:
        with _progress() as progress:
            task = progress.add_task("connecting", total=None)

            def report(what: str, done: int, total: int) -> None:
                progress.update(task, description=what, completed=done, total=total)

            result = await rebuilding.rebuild(
                settings, pool, report, without_comparison=without_comparison
            )
        if drop_old and not result.differences:
            for version in await schema.existing(pool):
                if version.state == "previous":
                    await schema.drop(pool, version)
    if as_json:
        _print_json(result)
    else:
        _show(result)
    return EXIT_FAILED if result.differences else 0


def _show(result: rebuilding.Rebuilt) -> None:
    console = Console(soft_wrap=True, highlight=False)
    if result.differences:
        console.print(f"{result.schema} differs from {result.replaced}; nothing was swapped:")
        for one in result.differences:
            console.print(f"  {one.table}, only in {one.only_in}: {one.content}", markup=False)
        return
    compared = "" if result.rows_compared is None else f", {result.rows_compared:,} rows compared"
    console.print(f"{result.schema} serves now: {result.events:,} events{compared}.")
    if not result.handed_over:
        console.print("No projector took it over: start one, or its rows grow old.")


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


@asynccontextmanager
async def _pool(settings: Settings) -> AsyncIterator[Pool]:
    patient = msgspec.structs.replace(
        settings, database_command_timeout_seconds=STATEMENT_SECONDS_MAX
    )
    pool = await open_pool(patient, application_name="pixelpop projections")
    try:
        yield pool
    finally:
        await pool.close()


def _print_json(value: object) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
