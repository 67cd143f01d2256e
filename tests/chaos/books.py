"""What the oracle keeps while it reads: its own price list, and books of plain numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

ZERO = "0" * 64
PRICES = {
    **{("preview", "standard", kind): 1 for kind in ("image", "edit", "variation")},
    **{("preview", "high", kind): 2 for kind in ("image", "edit", "variation")},
    **{("flux-dev", "standard", kind): 2 for kind in ("image", "edit", "variation")},
    ("gpt-image", "standard", "image"): 2,
    ("gpt-image", "high", "image"): 5,
    **{("gpt-image", "standard", kind): 3 for kind in ("edit", "variation")},
    **{("gpt-image", "high", kind): 6 for kind in ("edit", "variation")},
}
"""Credits for one picture; the oracle's own copy of the price list."""
PACKS = {"starter": 10, "regular": 50, "studio": 250, "monthly": 120}
WELCOME = 5


class Logged(NamedTuple):
    """One record of the event log, raw."""

    key: bytes
    value: bytes
    appended_at_ms: int


@dataclass
class Generation:
    """What the log says about one generation."""

    account_id: str
    request_hash: str
    requested_at_ms: int
    cost: int
    """Of all its pictures, by the oracle's price list."""
    price: int
    model: str = ""
    kind: str = ""
    size: str = ""
    quality: str = ""
    status: str = "pending"
    reserved: int = 0
    captured: int = 0
    returned: int = 0
    reservation_hash: str = ""
    deadline_ms: int = 0
    draws: dict[str, int] = field(default_factory=dict)
    result: dict[str, Any] | None = None
    result_hash: str = ""
    result_at_ms: int = 0
    settled: bool = False
    settled_at_ms: int = 0
    uncertain_attempts: dict[int, int] = field(default_factory=dict)
    """Calls that may be paid: attempt → what each then cost, in millionths of a US dollar."""
    paid: dict[str, tuple[str, int]] = field(default_factory=dict)
    """What was paid for certain: hash of the result that says so → `completed` or `failed`, and
    the same millionths."""
    moments_ms: list[int] = field(default_factory=list)
    """When a worker said something about it."""

    @property
    def images(self) -> list[dict[str, Any]]:
        """What was delivered."""
        if self.status != "done" or self.result is None:
            return []
        return list(self.result["images"])


@dataclass
class Ledger:
    """One account's credits, by the oracle's own arithmetic."""

    head: str = ZERO
    sequence: int = 0
    available: int = 0
    reserved: int = 0
    spent: int = 0
    granted: int = 0
    grants: dict[str, int] = field(default_factory=dict)
    """What is left of each grant."""
    posted: Counter[str] = field(default_factory=Counter)
    """The same balances by the postings alone."""


class Due(NamedTuple):
    """Credits that somebody is entitled to, and by which fact."""

    cause_hash: str
    appended_at_ms: int
    credits: int


@dataclass
class Verdict:
    """Everything that the log says, and what is wrong with it."""

    generations: dict[str, Generation] = field(default_factory=dict)
    ledgers: dict[str, Ledger] = field(default_factory=lambda: defaultdict(Ledger))
    due: dict[str, Due] = field(default_factory=dict)
    granted: set[str] = field(default_factory=set)
    voids: Counter[str] = field(default_factory=Counter)
    conflicts: int = 0
    """Voids that differ from every counted decision: real conflicts, not repeated sends."""
    repeats: int = 0
    """Facts and decisions that stand in the log twice, byte for byte."""
    problems: list[str] = field(default_factory=list)
    events: int = 0
    counted: set[str] = field(default_factory=set)
    """Hashes of the decisions that count."""
    void_hashes: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    uploads: set[str] = field(default_factory=set)
    """Photos that were taken."""

    @property
    def open(self) -> list[str]:
        """Generations without an end, and purchases without their credits."""
        waiting = [one for one, it in self.generations.items() if it.status == "pending"]
        return waiting + [key for key in self.due if key not in self.granted]
