"""Fewer previews while many pictures wait: people wait for the picture, not for its fifth file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from processors.images import Previews

PATIENCE: Final = 4
"""So many pictures for each thread may wait until of further ones only the small preview is made:
a quarter of a second's work, and that preview takes a sixth of what all of them do."""


class Crowd:
    """The pictures that this worker finishes now.

    Args:
        threads: how many it finishes at once.
    """

    def __init__(self, threads: int) -> None:
        self._most = PATIENCE * threads
        self._inside = 0

    @contextlib.contextmanager
    def joined(self, wanted: Previews) -> Iterator[Previews]:
        """Finish one more inside; which of the wanted previews to make."""
        crowded = self._inside >= self._most
        self._inside += 1
        try:
            yield "small" if crowded else wanted
        finally:
            self._inside -= 1
