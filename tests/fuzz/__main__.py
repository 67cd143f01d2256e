"""`make fuzz`: a million mutated credentials of each kind, damaged photos; both by coverage too."""

from __future__ import annotations

import argparse
import importlib.util
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.progress import Progress

from tests.fuzz import photos
from tests.fuzz.mutations import mutate
from tests.fuzz.targets import Target, targets

STEP = 1_000
INPUT_BYTES_MAX = 9_000
"""Longer than the longest credential that is looked at."""


def accepted(target: Target, count: int, seed: int, progress: Progress | None = None) -> list[str]:
    """Which of `count` mutated credentials the target takes for somebody's."""
    drawing = random.Random(f"{seed} {target.name}")
    task = progress.add_task(target.name, total=count) if progress else None
    found = []
    for number in range(count):
        text = mutate(target.material, drawing)
        if target.accepts(text):
            found.append(text)
        if progress and task is not None and number % STEP == STEP - 1:
            progress.advance(task, STEP)
    return found


def guided(name: str, runs: int, seed: int) -> tuple[int, str]:
    """Exit status and output of atheris on the target of that name."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.fuzz.guided", name),
                *(f"-runs={runs}", f"-seed={seed}", f"-max_len={INPUT_BYTES_MAX}", "-timeout=5"),
                *(f"-artifact_prefix={folder}/", "-print_final_stats=1", f"{folder}/corpus"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[2],
        )
    return done.returncode, done.stderr + done.stdout


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")


def main() -> int:
    """Fuzz; the exit status is 1 where something was accepted or crashed."""
    asked = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    asked.add_argument("--mutations", type=int, default=1_000_000, help="of each kind")
    asked.add_argument("--runs", type=int, default=200_000, help="coverage-guided, of each kind")
    asked.add_argument("--photos", type=int, default=200_000, help="damaged, and coverage-guided")
    asked.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    options = asked.parse_args()
    _say(f"seed {options.seed}")
    failed = False
    with Progress() as progress:
        for target in targets().values():
            found = accepted(target, options.mutations, options.seed, progress)
            failed = failed or bool(found)
            _say(f"{target.name}: {options.mutations} mutated, {len(found)} accepted", found[:5])
    finds = photos.found(options.photos, options.seed)
    failed = failed or bool(finds)
    _say(f"{photos.NAME}: {options.photos} damaged, {len(finds)} found", finds[:5])
    if importlib.util.find_spec("atheris") is None:
        _say("atheris is not installed here: NOT fuzzed by coverage.")
        return 1 if failed else 0
    for name, runs in {
        **dict.fromkeys(targets(), options.runs),
        photos.NAME: options.photos,
    }.items():
        status, output = guided(name, runs, options.seed)
        failed = failed or status != 0
        _say(f"{name}: {runs} guided, {'FOUND' if status else 'nothing found'}")
        if status:
            _say(output[-6000:])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
