"""`python -m tests.chaos.payments --histories 10000`: many histories, over several processes."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.chaos.payments.history import History, Met
from tests.chaos.simulation.run import trace

_CHUNK = 50
_SHOWN_MAX = 3
_TRACE_LINES_MAX = 60

Failure = tuple[int, str]


def main() -> int:
    """Run the histories, print what they met; 1 when something was not so."""
    arguments = _arguments()
    first, count = arguments.first_seed, arguments.histories
    total, failures, began = Met(), [], time.monotonic()
    say = Console(highlight=False, markup=False, soft_wrap=True).print
    with (
        ProcessPoolExecutor(arguments.processes, initializer=_quiet) as pool,
        Progress(
            TextColumn("histories of payments"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        ) as progress,
    ):
        bar = progress.add_task("", total=count)
        starts = range(first, first + count, _CHUNK)
        running = [
            pool.submit(run_seeds, start, min(start + _CHUNK, first + count)) for start in starts
        ]
        for done in as_completed(running):
            met, failed = done.result()
            total = total.plus(met)
            failures += failed
            progress.advance(bar, met.histories + len(failed))
    say(report(total, time.monotonic() - began))
    for seed, why in sorted(failures)[:_SHOWN_MAX]:
        say(f"\nseed {seed} FAILED: {why}")
    if failures:
        say(f"\n{len(failures)} of {count} histories failed")
    return 1 if failures else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.payments", description=__doc__)
    parser.add_argument("--histories", type=int, default=1_000, help="how many (1000)")
    parser.add_argument("--first-seed", type=int, default=0, help="where to begin (0)")
    parser.add_argument("--processes", type=int, default=2, help="how many at once (2)")
    return parser.parse_args()


def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def run_seeds(start: int, stop: int) -> tuple[Met, list[Failure]]:
    """Run some histories; what they met, and which of them failed how."""
    total, failures = Met(), []
    for seed in range(start, stop):
        history = History(seed)
        try:
            total = total.plus(history.told())
        except Exception as error:  # noqa: BLE001  whatever goes wrong belongs to its seed
            lines = trace(history.auditor, getattr(error, "account_id", None))
            shown = "\n".join(lines[-_TRACE_LINES_MAX:])
            failures.append((seed, f"{type(error).__name__}: {error}\n{shown}"))
    return total, failures


def report(total: Met, seconds: float) -> str:
    """What was met, for a person."""
    planted = ", ".join(f"{count:,} {kind}" for kind, count in sorted(total.planted.items()))
    return (
        f"{total.histories:,} histories held: {total.payments:,} payments told"
        f" {total.deliveries:,} times, {total.failed:,} of these again after what failed,"
        f" {total.kills:,} gateways killed, {total.repeats:,} facts twice in the log,"
        f" {total.findings:,} lies, {total.debts:,} debts, {total.owing:,} accounts that owe.\n"
        f"Planted and found, and nothing else: {planted}. {seconds:.0f} s."
    )


if __name__ == "__main__":
    sys.exit(main())
