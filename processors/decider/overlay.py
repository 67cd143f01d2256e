"""The second layer: an account's own decisions that were not yet read back (design §3)."""

from __future__ import annotations

import msgspec

from events.codec import Event
from events.recorded import Recorded
from events.state import Account


class Step(msgspec.Struct, frozen=True, gc=False):
    """One own decision: the state it was taken on, and the state it leads to."""

    before: Account
    after: Account
    event: Event
    value: bytes


class Overlay:
    """Speculation on one account: confirmed state plus own decisions in flight."""

    __slots__ = ("state", "steps")

    def __init__(self, state: Account) -> None:
        self.state = state
        self.steps: list[Step] = []  # nearly always one: a deque takes half a kilobyte when empty

    def push(self, after: Account, recorded: Recorded) -> None:
        """Add a decision that was just taken."""
        self.steps.append(Step(self.state, after, recorded.event, recorded.value))
        self.state = after
