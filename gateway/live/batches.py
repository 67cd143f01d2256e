"""When a batch ends, as far as the tail knows its generations."""

from __future__ import annotations

from collections.abc import Iterable


class OpenBatch:
    """Generations of one command of which some are not finished."""

    __slots__ = ("batch_id", "left")

    def __init__(self, batch_id: str, left: Iterable[str]) -> None:
        self.batch_id = batch_id
        self.left = set(left)

    def ends_with(self, generation_id: str) -> bool:
        """Whether the end of this generation is that of the batch; so of one of them, once."""
        if generation_id not in self.left:
            return False
        self.left.remove(generation_id)
        return not self.left
