"""The house rules that decisions follow; the figures, not the reasoning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from commands import catalogue

BIN_DAYS: Final = 30
"""How long what was thrown away can be taken back; then its bytes go."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What a decider goes by. A change holds for new decisions: old ones carry their figures."""

    bucket_generations: int = 5
    """How many generations an account may start at once."""
    bucket_refill_ms: int = 12_000
    """How long one of them takes to come back: five a minute."""
    deadline_ms: int = 10 * 60_000
    """From the append of a request to the end of its reservation."""
    price: Callable[[str, str, str], int | None] = catalogue.price
    """Credits for one picture by model, quality and kind; None: not for sale."""

    @property
    def bucket_capacity_ms(self) -> int:
        """A full bucket, in milliseconds of refill."""
        return self.bucket_generations * self.bucket_refill_ms


DEFAULT = Policy()
