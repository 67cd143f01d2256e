"""`python -m tests.chaos.paid --jobs 500`: disturb paid jobs, and judge every charge.

Exit status 0: every invariant held; 1: one did not, and the summary names seed, ids and folder.
"""

from __future__ import annotations

import argparse
import secrets
import sys

from tests.chaos.command_line import carry_out, say
from tests.chaos.paid.judging import summarize_paid
from tests.chaos.paid.scene import Form, run


def main() -> int:
    """Run the command line."""
    given = _arguments()
    form = Form(given.jobs, given.kills, given.pauses)
    told = f"{form.jobs} jobs, {form.kills} kills and {form.pauses} pauses of workers"
    say(f"paid jobs, disturbed: {told}, seed {given.seed}")
    return carry_out(
        lambda folder, report: run(form, seed=given.seed, folder=folder, report=report),
        summarize_paid,
        keep=given.keep,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.paid", description=__doc__)
    parser.add_argument("--jobs", type=int, default=500, help="how many at least (500)")
    parser.add_argument("--kills", type=int, default=20, help="of workers (20)")
    parser.add_argument("--pauses", type=int, default=5, help="of workers (5)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("--keep", action="store_true", help="keep the folder in any case")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
