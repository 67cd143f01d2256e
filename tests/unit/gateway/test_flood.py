"""The flood guard: far above the real limit, bounded in memory."""

from __future__ import annotations

from events.ids import AccountId
from gateway.flood import FloodGuard

ADA, BOB = AccountId("ada"), AccountId("bob")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_five_times_the_limit_passes_and_no_more() -> None:
    """25 at once (5 times the bucket of 5), then one every 2.4 s (5 times one every 12 s)."""
    clock = Clock()
    guard = FloodGuard(10, clock=clock)
    assert [guard.wait_seconds(ADA) for _ in range(25)] == [0.0] * 25
    assert round(guard.wait_seconds(ADA), 3) == 2.4
    clock.now += 2.4
    assert guard.wait_seconds(ADA) == 0.0
    assert guard.wait_seconds(ADA) > 0


def test_a_refused_request_costs_nothing() -> None:
    """Asking too often does not push the next chance further away."""
    clock = Clock()
    guard = FloodGuard(10, clock=clock)
    for _ in range(100):
        guard.wait_seconds(ADA)
    clock.now += 2.5
    assert guard.wait_seconds(ADA) == 0.0


def test_accounts_do_not_share_a_bucket() -> None:
    """One account's flood is nobody else's."""
    guard = FloodGuard(10, clock=Clock())
    for _ in range(30):
        guard.wait_seconds(ADA)
    assert guard.wait_seconds(BOB) == 0.0


def test_memory_is_bounded() -> None:
    """No more accounts are kept than allowed; the longest unseen goes first."""
    guard = FloodGuard(2, clock=Clock())
    for account in ("a", "b", "c"):
        guard.wait_seconds(AccountId(account))
    assert list(guard._buckets) == ["b", "c"]
