"""Limits by a sliding window: exact at its edges, bounded in memory, told to clients."""

from __future__ import annotations

import pytest

from gateway.limits.quotas import ADMISSION, Limits, Policy
from gateway.web.errors import Problem, render
from runtime.settings import Settings

TEN = Policy("ten", 10, 60, "Too many.")
ADA, BOB = "ada", "bob"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def limits(clock: Clock, **changes: int) -> Limits:
    one = Limits(Settings(**changes), clock=clock)
    one._kept[TEN.name] = one._kept[one.policies.address.name]
    return one


def taken(one: Limits, key: str, tries: int) -> int:
    """How many of that many tries are taken."""
    count = 0
    for _ in range(tries):
        try:
            one.take_here(TEN, key)
        except Problem as refused:
            if refused.members["retry_after"] < 1:
                raise
        else:
            count += 1
    return count


def test_no_more_than_the_quota() -> None:
    """The eleventh of ten is refused, and says when to come back."""
    clock = Clock()
    one = limits(clock)
    assert taken(one, ADA, 10) == 10
    clock.now += 20
    with pytest.raises(Problem) as refused:
        one.take_here(TEN, ADA)
    assert refused.value.code == "too-many-requests"
    assert refused.value.members == {"retry_after": 41}
    assert refused.value.headers == [
        (b"ratelimit-policy", b'"ten";q=10;w=60'),
        (b"ratelimit", b'"ten";r=0;t=41'),
    ]


def test_a_refusal_is_good_for_its_word() -> None:
    """Whoever waits as long as it was told is taken, again and again; a moment earlier is not."""
    clock = Clock()
    one = limits(clock)
    taken(one, ADA, 10)
    for _ in range(30):
        with pytest.raises(Problem) as refused:
            one.take_here(TEN, ADA)
        clock.now += refused.value.members["retry_after"] - 1
        assert taken(one, ADA, 1) == 0
        clock.now += 1
        assert taken(one, ADA, 1) == 1
        taken(one, ADA, 10)


def test_a_burst_at_the_edge_of_a_window_is_no_second_quota() -> None:
    """What was asked at the end of one window still counts at the beginning of the next."""
    clock = Clock()
    one = limits(clock)
    assert taken(one, ADA, 1) == 1
    clock.now += 59
    assert taken(one, ADA, 20) == 9
    clock.now += 2
    assert taken(one, ADA, 20) == 1
    clock.now += 120
    assert taken(one, ADA, 20) == 10


def test_a_refused_request_costs_nothing() -> None:
    """Asking too often does not push the next chance further away."""
    clock = Clock()
    one = limits(clock)
    taken(one, ADA, 100)
    clock.now += 121
    assert taken(one, ADA, 100) == 10


def test_keys_do_not_share_a_window() -> None:
    """One account's flood is nobody else's."""
    one = limits(Clock())
    taken(one, ADA, 30)
    assert taken(one, BOB, 30) == 10


def test_memory_is_bounded() -> None:
    """No more keys are kept than allowed; the longest unseen goes first."""
    one = limits(Clock(), limits_kept_max=2)
    for key in ("a", "b", "a", "c"):
        one.take_here(TEN, key)
    assert list(one._kept[TEN.name]) == ["a", "c"]


def test_a_required_rest_takes_nothing() -> None:
    """To ask whether something is left leaves it there."""
    clock = Clock()
    one = limits(clock)
    one.require(TEN, ADA)
    assert taken(one, ADA, 9) == 9
    for _ in range(5):
        one.require(TEN, ADA)
    assert taken(one, ADA, 1) == 1
    with pytest.raises(Problem):
        one.require(TEN, ADA)
    clock.now += 61
    one.require(TEN, ADA)


async def test_what_is_left_is_told() -> None:
    """The headers of an answer that was within the limit count down."""
    clock = Clock()
    one = limits(clock)
    taken(one, ADA, 3)
    clock.now += 15
    assert await one.left(TEN, ADA) == [TEN.header, (b"ratelimit", b'"ten";r=7;t=45')]


def test_the_flood_is_five_times_the_real_limit() -> None:
    """25 generations may be asked for in a minute where 5 are admitted (design §2.1)."""
    one = Limits(Settings())
    for _ in range(25):
        one.take_here(one.policies.generations, ADA)
    with pytest.raises(Problem) as refused:
        one.take_here(one.policies.generations, ADA)
    assert refused.value.code == "rate-limited"
    assert (ADMISSION.quota, ADMISSION.window_seconds) == (5, 60)


def test_a_refusal_has_all_headers() -> None:
    """Every 429 carries RateLimit-Policy, RateLimit and Retry-After, and they agree."""
    answer = render(TEN.refusal(12.3), "/x")
    headers = dict(answer.headers)
    assert answer.status == 429
    assert headers[b"retry-after"] == b"13"
    assert headers[b"ratelimit"].endswith(b"r=0;t=13")
    assert headers[b"ratelimit-policy"] == b'"ten";q=10;w=60'
