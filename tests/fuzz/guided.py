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
    from tests.fuzz import photos
    from tests.fuzz.targets import Target, targets

from tests.fuzz.mutations import mutate

MUTATED_SHARE = 0.5


class Accepted(Exception):
    """A credential that nobody made was taken for one."""


class OfTexts:
    """Whether anybody is signed in by a text."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.material = tuple(text.encode() for text in target.material)

    def once(self, data: bytes) -> None:
        """Raises `Accepted` where somebody is."""
        text = data.decode("utf-8", "surrogateescape")
        if self._target.accepts(text):
            raise Accepted(self._target.name)

    def mutated(self, data: bytes, drawing: random.Random) -> bytes:
        """Something like a genuine text, or like this one."""
        text = data.decode("utf-8", "replace") or self._target.genuine[0]
        return mutate([*self._target.material, text], drawing).encode("utf-8", "replace")


class OfPhotos:
    """Whether a file leads to anything but a picture or a refusal."""

    def __init__(self) -> None:
        self.material = photos.genuine()

    def once(self, data: bytes) -> None:
        """Raises whatever the cleaner raises that is no refusal."""
        photos.check(data)

    def mutated(self, data: bytes, drawing: random.Random) -> bytes:
        """Something like a genuine file, or like this one."""
        return photos.damaged((*self.material, data), drawing)


def main() -> None:
    """Fuzz one target until `-runs` is reached or something is found."""
    name = sys.argv[1]
    target = OfPhotos() if name == photos.NAME else OfTexts(targets()[name])

    def custom(data: bytes, size: int, seed: int) -> bytes:
        drawing = random.Random(seed)
        if drawing.random() < MUTATED_SHARE:
            return target.mutated(data, drawing)[:size]
        mutated: bytes = atheris.Mutate(data, size)
        return mutated

    corpus = [Path(one) for one in sys.argv[2:] if not one.startswith("-")]
    for folder in corpus:
        folder.mkdir(parents=True, exist_ok=True)
        for number, one in enumerate(target.material):
            (folder / f"genuine-{number}").write_bytes(one)
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target.once, custom_mutator=custom)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
