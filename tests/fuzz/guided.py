"""Coverage-guided fuzzing of one target by atheris: `python -m tests.fuzz.guided NAME -runs=N …`.

A process of its own for each target, because libFuzzer ends the process that it runs in. What it
finds is printed by libFuzzer, with a traceback and the input as base64.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["gateway", "jwt"]):
    from tests.fuzz.targets import targets

from tests.fuzz.mutations import mutate

MUTATED_SHARE = 0.5


class Accepted(Exception):
    """A credential that nobody made was taken for one."""


def main() -> None:
    """Fuzz one target until `-runs` is reached or something is found."""
    target = targets()[sys.argv[1]]

    def once(data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        if target.accepts(text):
            raise Accepted(target.name)

    def custom(data: bytes, size: int, seed: int) -> bytes:
        drawing = random.Random(seed)
        if drawing.random() < MUTATED_SHARE:
            text = data.decode("utf-8", "replace") or target.genuine[0]
            return mutate([*target.material, text], drawing).encode("utf-8", "replace")[:size]
        mutated: bytes = atheris.Mutate(data, size)
        return mutated

    corpus = [Path(one) for one in sys.argv[2:] if not one.startswith("-")]
    for folder in corpus:
        folder.mkdir(parents=True, exist_ok=True)
        for number, text in enumerate(target.material):
            (folder / f"genuine-{number}").write_text(text, encoding="utf-8")
    atheris.Setup([sys.argv[0], *sys.argv[2:]], once, custom_mutator=custom)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
