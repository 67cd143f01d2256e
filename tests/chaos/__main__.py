"""`python -m tests.chaos`: break a running system at random instants and judge what is left.

Exit status 0: every invariant held; 1: one did not, and the summary names seed, ids and folder.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import secrets
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import uvloop

from tests.chaos.run import FULL, QUICK, Outcome, run
from tests.chaos.summary import summarize


def main() -> int:
    """Run the command line."""
    given = _arguments()
    form = QUICK if given.quick else FULL
    form = dataclasses.replace(form, faults=given.faults or form.faults)
    folder = Path(tempfile.mkdtemp(prefix="pixelpop-chaos-"))
    began = time.monotonic()
    # Asked to end, it still stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    _say(f"chaos: {form.faults} faults, seed {given.seed}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcome = runner.run(run(form, seed=given.seed, folder=folder, report=_say))
    _say(summarize(outcome))
    _say(f"took {time.monotonic() - began:.0f} s")
    if outcome.problems or given.keep:
        _write_down(outcome)
    if outcome.problems:
        _say(f"{outcome.tail}\n\nall logs and data: {folder}")
        return 1
    if not given.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _write_down(outcome: Outcome) -> None:
    """What a diagnosis needs beside the logs; times are seconds since 1970."""
    told = {
        "problems": outcome.problems,
        "faults": [fault._asdict() for fault in outcome.faults.done],
        "resumed": [one._asdict() for one in outcome.resumed],
        "calls": outcome.evidence.calls,
    }
    content = msgspec.json.format(msgspec.json.encode(told), indent=1)
    (outcome.folder / "run.json").write_bytes(content)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--faults", type=int, help="how many (100; quick: 8)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("--quick", action="store_true", help="our own processes only, about 50 s")
    parser.add_argument("--keep", action="store_true", help="keep the folder in any case")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
