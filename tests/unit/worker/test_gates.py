"""What stands before a provider: its breaker, its room, its rate."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from commands.supplies import Supply
from processors.providers import ProviderRefused, ProviderUnavailable, ProviderUncertain
from processors.worker import gates
from processors.worker.gates import BreakerOpen, Busy, Gate

OPEN_SECONDS = 30.0


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the clock of the breakers forward."""
    from purgatory.domain import model

    now = [1_000.0]

    class Clock:
        monotonic = staticmethod(gates.time.monotonic)

        @staticmethod
        def time() -> float:
            return now[0]

    monkeypatch.setattr(gates, "time", Clock)
    monkeypatch.setattr(model, "time", Clock)
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def gate(**fields: int) -> Gate:
    """One whose breaker opens at the second failure."""
    return Gate(Supply(provider="fal", **fields), failures=2, open_seconds=OPEN_SECONDS)


async def call(one: Gate, error: Exception | None = None) -> None:
    """A call that ends so."""
    async with one.passed(1.0):
        if error is not None:
            raise error


async def fail(one: Gate, *errors: Exception) -> None:
    """Calls that end so."""
    for error in errors:
        with contextlib.suppress(type(error)):
            await call(one, error)


async def test_failures_in_a_row_open_it(later: Callable[[float], None]) -> None:
    """Then nobody is sent there, until a probe that works closes it."""
    one = gate()
    await fail(one, ProviderUnavailable("503"), ProviderUncertain("lost"))
    assert one.is_open
    with pytest.raises(BreakerOpen):
        await call(one)
    later(OPEN_SECONDS + 1)
    await call(one)
    await fail(one, ProviderUnavailable("503"))
    assert not one.is_open


async def test_a_probe_that_fails_opens_it_again(later: Callable[[float], None]) -> None:
    """And while a probe is under way nobody else is sent."""
    one = gate()
    await fail(one, ProviderUnavailable("503"), ProviderUnavailable("503"))
    later(OPEN_SECONDS + 1)

    async def probe() -> None:
        async with one.passed(1.0):
            with pytest.raises(BreakerOpen):
                await call(one)
            raise ProviderUnavailable("503")

    with pytest.raises(ProviderUnavailable):
        await probe()
    assert one.is_open


async def test_a_refusal_is_an_answer(later: Callable[[float], None]) -> None:
    """Who refuses is there; failures before it are forgotten."""
    one = gate()
    await fail(one, *[ProviderUnavailable("503"), ProviderRefused("no")] * 3)
    assert not one.is_open


async def test_there_is_room_for_so_many() -> None:
    """Who finds none in time does not call."""
    one = gate(concurrency=1)
    async with one.passed(1.0):
        with pytest.raises(Busy):
            async with one.passed(0.01):
                raise AssertionError
    await call(one)


async def test_a_hundred_at_once() -> None:
    """As many as a worker has jobs are under way at once, where the provider allows it."""
    one, inside, all_in = gate(concurrency=100, per_minute=6_000), 0, asyncio.Event()

    async def job() -> None:
        nonlocal inside
        async with one.passed(5.0):
            inside += 1
            if inside == 100:
                all_in.set()
            await all_in.wait()

    async with asyncio.timeout(5):
        await asyncio.gather(*[job() for _ in range(100)])


async def test_some_providers_count_pictures() -> None:
    """A call for several takes as much of the minute; one for more than that still begins."""
    one = gate(per_minute=4, counts_pictures=True)
    async with one.passed(1.0, 3):
        pass
    with pytest.raises(Busy):
        async with one.passed(0.01, 2):
            raise AssertionError
    async with gate(per_minute=2, counts_pictures=True).passed(1.0, 4):
        pass


async def test_the_rate_is_kept() -> None:
    """What is beyond it waits, or is refused where it may not wait so long."""
    one = gate(per_minute=2)
    await call(one)
    await call(one)
    with pytest.raises(Busy):
        async with one.passed(0.01):
            raise AssertionError
