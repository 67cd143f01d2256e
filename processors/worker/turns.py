"""Whose turn it is among the providers of a job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from processors.providers import Provider
from processors.worker.gates import Gates

WAIT_SECONDS_MAX: Final = 10.0
"""How long a busy provider is waited for while another could make it."""


class Turns:
    """The providers of one job, in order; each is asked in vain at most once.

    Args:
        gates: what stands before them.
        makers: who can make it.
    """

    def __init__(self, gates: Gates, makers: Sequence[Provider]) -> None:
        self._gates = gates
        self._makers = tuple(makers)
        self._tried: set[str] = set()
        self.now: Provider | None = self._first()
        """Whose turn it is; None: there is nobody."""

    def _first(self) -> Provider | None:
        able = [one for one in self._makers if not self._gates.of(one.name).is_open]
        return next(iter(able or self._makers), None)

    def resume(self, provider: str | None, tried: Iterable[str]) -> None:
        """Go on where a claim stands: at its provider, and not at those asked in vain."""
        self._tried = set(tried)
        self.now = next((one for one in self._makers if one.name == provider), self.now)

    def following(self, spare_seconds: Callable[[Provider], float]) -> Provider | None:
        """Who may be asked after the one whose turn it is; None: nobody could end in time."""
        return next(iter(self._able(spare_seconds)), None)

    def take(self, provider: Provider) -> None:
        """It is this one's turn; the one before did nothing."""
        if self.now is not None:
            self._tried.add(self.now.name)
        self.now = provider

    def wait_seconds(self, spare_seconds: Callable[[Provider], float]) -> float:
        """How long to wait until a call to the one whose turn it is may begin."""
        assert self.now is not None
        spare = spare_seconds(self.now)
        return min(spare, WAIT_SECONDS_MAX) if self._able(spare_seconds) else spare

    def _able(self, spare_seconds: Callable[[Provider], float]) -> list[Provider]:
        return [
            one
            for one in self._makers
            if one is not self.now
            and one.name not in self._tried
            and spare_seconds(one) >= 0
            and not self._gates.of(one.name).is_open
        ]
