"""Claims about the order of what waits: shares by tier, equal among accounts, nobody starves."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.worker.fairness import API, FREE, PAID, WEIGHTS, FairQueue

TIERS = st.sampled_from(sorted(WEIGHTS))
JOBS = st.lists(
    st.tuples(TIERS, st.sampled_from("abc"), st.integers(1, 4)), min_size=1, max_size=60
)


def drained(queue: FairQueue) -> list:
    """All that waits, in its order."""
    return [queue.pop() for _ in range(len(queue))]


@given(JOBS)
def test_nothing_is_lost_and_own_order_kept(jobs: list) -> None:
    """Each comes once; those of one account in one tier as they came."""
    queue: FairQueue = FairQueue()
    for number, (tier, account, cost) in enumerate(jobs):
        queue.push(tier, account, (tier, account, number), cost)
    order = drained(queue)
    assert Counter(order) == Counter((t, a, n) for n, (t, a, _) in enumerate(jobs))
    for flow in {one[:2] for one in order}:
        numbers = [one[2] for one in order if one[:2] == flow]
        assert numbers == sorted(numbers)
    with pytest.raises(IndexError):
        queue.pop()


@given(
    st.lists(st.integers(1, 4), min_size=60, max_size=60),
    st.lists(st.integers(1, 4), min_size=60, max_size=60),
    st.lists(st.integers(1, 4), min_size=15, max_size=15),
)
def test_free_waits_at_most_three_times_its_share(paid: list, api: list, free: list) -> None:
    """While all tiers wait, free work of one cost is done within three times the work that its
    ninth would take, and the longest job of each tier.
    """
    queue: FairQueue = FairQueue()
    for tier, costs in ((PAID, paid), (API, api), (FREE, free)):
        for number, cost in enumerate(costs):
            queue.push(tier, f"{tier}{number % 5}", (tier, cost), cost)
    done, of_free = 0, 0
    for tier, cost in drained(queue):
        done += cost
        of_free += cost if tier == FREE else 0
        if tier == FREE:
            assert done <= 3 * 9 * of_free + 3 * 4


@given(st.integers(2, 50), st.integers(1, 4))
def test_one_job_does_not_wait_for_anothers_many(many: int, cost: int) -> None:
    """Who comes later with one job waits for one of another's many at most."""
    queue: FairQueue = FairQueue()
    for number in range(many):
        queue.push(FREE, "many", number, cost)
    assert queue.pop() == 0
    queue.push(FREE, "one", "mine", cost)
    assert "mine" in [queue.pop() for _ in range(2)]


def test_weights_hold_while_all_wait() -> None:
    """Of 90 taken, 10 are free and 40 of each other tier."""
    queue: FairQueue = FairQueue()
    for tier in WEIGHTS:
        for number in range(100):
            queue.push(tier, str(number % 7), tier)
    taken = Counter(queue.pop() for _ in range(90))
    assert taken[FREE] == pytest.approx(10, abs=1)
    assert taken[PAID] == pytest.approx(40, abs=1)


def test_to_come_back_at_once_gains_nothing() -> None:
    """Who has always one job waiting gets no more than who has many."""
    queue: FairQueue = FairQueue()
    for _ in range(40):
        queue.push(FREE, "many", "many")
    taken = Counter()
    queue.push(FREE, "one", "one")
    for _ in range(40):
        item = queue.pop()
        taken[item] += 1
        if item == "one":
            queue.push(FREE, "one", "one")
    assert abs(taken["one"] - taken["many"]) <= 2


def test_an_unknown_tier_is_free() -> None:
    """A newer decider's word is no way to the front."""
    queue: FairQueue = FairQueue()
    queue.push("gold", "a", 1)
    assert queue.pop() == 1
    assert len(queue) == 0
