"""The broker's time is followed, never backwards."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from runtime.kafka.clock import BrokerClock, ClockUnset
from runtime.kafka.errors import LogUnreachable

T0 = 1_800_000_000_000


class Hands:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def clock(hands: Hands) -> BrokerClock:
    clock = BrokerClock(hands)
    clock.observe(T0, asked_at=hands.seconds)
    return clock


def test_a_clock_that_learned_nothing_says_so():
    """Before anything was observed there is no time to give."""
    with pytest.raises(ClockUnset):
        BrokerClock().now_ms()


def test_time_runs_on_between_observations(clock: BrokerClock, hands: Hands):
    """Without further news the time moves with the monotonic clock."""
    hands.seconds += 2.5
    assert clock.now_ms() == T0 + 2500


def test_a_record_read_late_does_not_pull_it_back(clock: BrokerClock, hands: Hands):
    """A record from an hour ago changes nothing."""
    hands.seconds += 1
    clock.observe(T0 - 3_600_000)
    assert clock.now_ms() == T0 + 1000


def test_a_broker_clock_that_jumps_forward_is_followed(clock: BrokerClock, hands: Hands):
    """A record from an hour ahead proves that the broker's clock is there already."""
    clock.observe(T0 + 3_600_000)
    hands.seconds += 1
    assert clock.now_ms() == T0 + 3_601_000


def test_drift_is_corrected_by_acks(clock: BrokerClock, hands: Hands):
    """A clock that ran ahead stands still until the broker's time has caught up."""
    hands.seconds += 1000
    assert clock.now_ms() == T0 + 1_000_000
    clock.observe(T0 + 999_900, asked_at=hands.seconds - 0.001)  # the broker is 100 ms behind
    assert clock.now_ms() == T0 + 1_000_000
    hands.seconds += 0.05
    assert clock.now_ms() == T0 + 1_000_000
    hands.seconds += 0.1
    assert T0 + 1_000_000 < clock.now_ms() <= T0 + 1_000_060


def test_a_slow_ack_is_no_reason_to_go_back(clock: BrokerClock, hands: Hands):
    """An ack that took five seconds bears a time from any point of them, and changes nothing."""
    hands.seconds += 10
    clock.observe(T0 + 5000, asked_at=hands.seconds - 5)
    assert clock.now_ms() == T0 + 10_000


async def test_the_time_is_kept_though_the_broker_was_away(clock: BrokerClock):
    """Somebody who asks for the time now and then goes on asking after a failure."""
    learned = asyncio.Event()
    asked: list[str] = []

    class Broker:
        async def append(self, topic: str, _tick: Any) -> Any:
            asked.append(topic)
            if len(asked) == 1:
                raise LogUnreachable("away")
            if len(asked) == 3:  # after the second time was learned
                learned.set()
            return type("Position", (), {"appended_at_ms": T0 + 5000})

    broker: Any = Broker()
    keeping = asyncio.create_task(clock.keep(broker, "live", every_seconds=0))
    async with asyncio.timeout(10):
        await learned.wait()
    keeping.cancel()
    assert clock.now_ms() == T0 + 5000
    assert set(asked) == {"live"}
