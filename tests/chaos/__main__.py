"""`python -m tests.chaos`: break a running system at random instants and judge what is left.

Exit status 0: every invariant held; 1: one did not, and the summary names seed, ids and folder.
"""

from __future__ import annotations

import argparse
import dataclasses
import secrets
import sys

from tests.chaos.command_line import carry_out, say
from tests.chaos.run import FULL, QUICK, run
from tests.chaos.summary import summarize


def main() -> int:
    """Run the command line."""
    given = _arguments()
    form = QUICK if given.quick else FULL
    form = dataclasses.replace(form, faults=given.faults or form.faults)
    say(f"chaos: {form.faults} faults, seed {given.seed}")
    return carry_out(
        lambda folder, report: run(form, seed=given.seed, folder=folder, report=report),
        summarize,
        keep=given.keep,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--faults", type=int, help="how many (100; quick: 8)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("--quick", action="store_true", help="our own processes only, about 50 s")
    parser.add_argument("--keep", action="store_true", help="keep the folder in any case")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
