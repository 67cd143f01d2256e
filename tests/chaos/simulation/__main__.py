"""`python -m tests.chaos.simulation --seeds 10000`: many histories, over several processes."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.chaos.simulation.run import Simulation, Summary, shortest, trace

_CHUNK_SEEDS = 100
_TRACE_LINES_MAX = 60
_REASON_CHARACTERS_MAX = 600
_CONFLICTS_PER_HISTORY_MIN = 5

Failure = tuple[int, str]


def main() -> int:
    """Run the histories, print what they met; 1 when a rule did not hold."""
    arguments = _arguments()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    total, failures, began = Summary(), [], time.monotonic()
    say = Console(highlight=False, markup=False, soft_wrap=True).print
    with (
        ProcessPoolExecutor(arguments.processes) as pool,
        Progress(
            TextColumn("simulated histories"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        ) as progress,
    ):
        bar = progress.add_task("", total=len(seeds))
        running = [pool.submit(run_seeds, chunk.start, chunk.stop) for chunk in _chunks(seeds)]
        for done in as_completed(running):
            summary, failed = done.result()
            total = total.plus(summary)
            failures += failed
            progress.advance(bar, summary.histories + len(failed))
    say(report(total, time.monotonic() - began))
    for seed, why in sorted(failures)[:3]:
        say(f"\nseed {seed} FAILED: {why[:_REASON_CHARACTERS_MAX]}\n{explain(seed)}")
    if failures:
        say(f"\n{len(failures)} of {len(seeds)} histories failed")
        return 1
    if total.conflicts < _CONFLICTS_PER_HISTORY_MIN * total.histories:
        say(f"\ntoo few real conflicts were met to mean anything: {total.conflicts}")
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many histories (1000)")
    parser.add_argument("--first-seed", type=int, default=0, help="where to begin (0)")
    parser.add_argument("--processes", type=int, default=2, help="how many at once (2)")
    return parser.parse_args()


def _chunks(seeds: range) -> Iterator[range]:
    for start in range(0, len(seeds), _CHUNK_SEEDS):
        yield seeds[start : start + _CHUNK_SEEDS]


def run_seeds(start: int, stop: int) -> tuple[Summary, list[Failure]]:
    """Run some histories; what they met, and which of them failed how."""
    total, failures = Summary(), []
    for seed in range(start, stop):
        try:
            total = total.plus(Simulation(seed).run())
        except Exception as error:  # noqa: BLE001  whatever goes wrong belongs to its seed
            failures.append((seed, f"{type(error).__name__}: {error}"))
    return total, failures


def report(total: Summary, seconds: float) -> str:
    """What was met, for a person."""
    reasons = ", ".join(f"{count:,} {name}" for name, count in sorted(total.reasons.items()))
    kinds = ", ".join(f"{count:,} {name}" for name, count in sorted(total.kinds.items()))
    return (
        f"{total.histories:,} histories held every rule: {total.records:,} records,"
        f" {total.requests:,} requests, {total.decisions:,} counted decisions,"
        f" {total.crashes:,} crashes, {total.snapshots:,} snapshots.\n"
        f"Counted: {kinds}.\n"
        f"{total.voids:,} void decisions ({reasons}); {total.conflicts:,} of them differ from"
        f" every counted event: real conflicts. {seconds:.0f} s."
    )


def explain(seed: int) -> str:
    """The shortest failing history of `seed`: the end of the trace of the account concerned."""
    steps = shortest(seed)
    simulation = Simulation(seed)
    try:
        simulation.run(steps)
    except Exception as error:  # noqa: BLE001  it is what we came for
        lines = trace(simulation.auditor, getattr(error, "account_id", None))
        shown = "\n".join(lines[-_TRACE_LINES_MAX:])
        return f"after {steps} steps: {str(error)[:_REASON_CHARACTERS_MAX]}\n{shown}"
    return "it does not fail again"


if __name__ == "__main__":
    sys.exit(main())
