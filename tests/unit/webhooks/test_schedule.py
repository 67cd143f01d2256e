"""When a delivery that failed is tried again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from processors.webhooks.schedule import ATTEMPTS_MAX, DELAYS_SECONDS, delay_seconds

DAY_SECONDS = 86_400


def test_attempts_spread_over_a_day() -> None:
    """From the first attempt to the last it takes most of a day, even at the longest."""
    for chance in (0.0, 1.0):
        waits = [delay_seconds(tries, chance) for tries in range(1, ATTEMPTS_MAX)]
        assert None not in waits
        assert 0.9 * DAY_SECONDS < sum(wait or 0 for wait in waits) < 1.1 * DAY_SECONDS
    assert delay_seconds(ATTEMPTS_MAX, 0.5) is None


def test_pauses_grow() -> None:
    """A receiver that is away is asked ever more rarely."""
    assert list(DELAYS_SECONDS) == sorted(DELAYS_SECONDS)


@given(st.integers(1, ATTEMPTS_MAX - 1), st.floats(0, 1), st.floats(0, 1e12))
def test_retry_after_is_heeded_within_bounds(tries: int, chance: float, asked: float) -> None:
    """What a receiver asks for is waited for, and no receiver can ask for ever."""
    wait = delay_seconds(tries, chance, asked)
    assert wait is not None
    assert wait >= delay_seconds(tries, chance)  # type: ignore[operator]  # not the last
    assert wait >= min(asked, max(DELAYS_SECONDS))
    assert wait <= 1.1 * max(DELAYS_SECONDS)
