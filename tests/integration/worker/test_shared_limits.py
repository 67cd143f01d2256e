"""What a provider's account allows, kept by several workers together."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from msgspec.structs import replace

from commands.supplies import SUPPLIES, Supply
from gateway.generations.models import Offer
from gateway.operations.drawers import Drawers, providers
from processors.providers import ProviderUnavailable
from processors.worker.gates import BreakerOpen, Busy, Gates
from processors.worker.pacing import SharedPace
from processors.worker.rooms import Rooms
from runtime.diagnosis import Scene
from runtime.postgres.pool import Pool, open_pool
from runtime.preparing import Plan
from runtime.settings import Settings
from tests.integration.worker.desk import Desk

OPEN_SECONDS = 30.0
CALL_SECONDS = 0.01
FAL = replace(SUPPLIES["fal"], concurrency=3, per_minute=600)


@pytest_asyncio.fixture(loop_scope="session")
async def pool(desk: Desk, worker_settings: Settings) -> AsyncIterator[Pool]:
    """Of a worker; nobody has shares yet, and nobody was asked."""
    one = await open_pool(worker_settings, application_name="test of limits")
    yield one
    await one.close()


class Worker:
    """One worker's part in it."""

    def __init__(self, pool: Pool, *supplies: Supply, failures: int = 2) -> None:
        known = {one.provider: one for one in supplies or (FAL,)}
        self.rooms = Rooms(
            pool,
            holder=uuid.uuid4(),
            supplies=list(known.values()),
            jobs_max=50,
            lease_seconds=30.0,
        )
        self.gates = Gates(
            known, failures=failures, open_seconds=OPEN_SECONDS, rooms=self.rooms, pool=pool
        )

    async def call(self, error: Exception | None = None, seconds: float = 5.0) -> None:
        """A call that ends so."""
        async with self.gates.of("fal").passed(seconds):
            if error is not None:
                raise error

    async def fail(self, times: int) -> None:
        """Calls that the provider does not answer."""
        for _ in range(times):
            with contextlib.suppress(ProviderUnavailable):
                await self.call(ProviderUnavailable("503"))


async def test_calls_at_once_are_shared(pool: Pool) -> None:
    """Three workers, each with more than enough to do: never more than three calls, all made."""
    workers = [Worker(pool) for _ in range(3)]
    at_once = most = made = 0

    async def calls(one: Worker) -> None:
        async def call() -> None:
            nonlocal at_once, most, made
            async with one.gates.of("fal").passed(30.0):
                at_once += 1
                most = max(most, at_once)
                ended = asyncio.Event()
                asyncio.get_running_loop().call_later(CALL_SECONDS, ended.set)
                await ended.wait()
                at_once -= 1
                made += 1

        async with one.rooms.kept():
            await asyncio.gather(*[call() for _ in range(20)])

    await asyncio.gather(*map(calls, workers))
    assert (made, most) == (60, 3)


async def test_where_there_is_less_than_one_for_each_nobody_starves(pool: Pool) -> None:
    """One call at once for two workers that both wait: both get their turns."""
    alone = replace(FAL, concurrency=1)
    first, second = Worker(pool, alone), Worker(pool, alone)
    async with first.rooms.kept(), second.rooms.kept():
        async with first.gates.of("fal").passed(5.0):
            with pytest.raises(Busy):
                await second.call(seconds=0.3)
            waiting = asyncio.create_task(second.call(seconds=20.0))
            await asyncio.wait({waiting}, timeout=0.2)
        await waiting


async def test_a_rate_is_shared(pool: Pool) -> None:
    """What is left of a minute's calls is the same for all; what is beyond it is said to be."""
    few = replace(FAL, per_minute=4)
    paces = [SharedPace(pool, few, open_seconds=OPEN_SECONDS) for _ in range(2)]
    for pace in [*paces, *paces]:
        async with asyncio.timeout(5):
            assert not await pace.begin(2)
    for pace in paces:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await pace.begin(1)
    await _change(pool, "full_until = full_until - interval '16 seconds'")
    await paces[0].begin(3)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await paces[1].begin(1)


async def test_an_open_breaker_keeps_all_away_and_one_probes(pool: Pool) -> None:
    """A worker that saw no failure sends nobody either; of all, one finds out how it is."""
    first, second, third = (Worker(pool, replace(FAL, concurrency=40)) for _ in range(3))
    async with first.rooms.kept(), second.rooms.kept(), third.rooms.kept():
        await first.fail(2)
        with pytest.raises(BreakerOpen):
            await second.call()
        await _change(pool, "open_until = clock_timestamp()")
        async with second.gates.of("fal").passed(5.0):  # the probe
            with pytest.raises(BreakerOpen):
                await third.call()
        await third.call()
        await first.fail(1)  # its own is open a while longer
        await second.fail(2)
        await _change(pool, "open_until = clock_timestamp()")
        await third.fail(1)  # a probe that fails keeps all away again
        with pytest.raises(BreakerOpen):
            await third.call()


async def test_a_gateway_sees_what_is_drawn(
    pool: Pool, settings: Settings, settings_for: Callable[[str], Settings]
) -> None:
    """What it offers and no running worker draws with is told; who ends draws no more. So does
    `pixelpop doctor`.
    """
    plan = Plan(migrations=Path(), topics=())
    scene = Scene(replace(settings, fal_key="set"), plan, None, settings, "")
    gateway = await open_pool(settings_for("gateway"), application_name="test of an offer")
    try:
        drawers = Drawers(gateway, Offer(frozenset({"local", "fal"}), "flux-dev"))
        assert await drawers.look() == {"local", "fal"}
        async with Worker(pool, SUPPLIES["local"]).rooms.kept():
            assert await drawers.look() == {"fal"}
            assert [check.state for check in await providers(scene)] == ["fail"]
            async with Worker(pool).rooms.kept():
                assert await drawers.look() == frozenset()
            assert await drawers.look() == {"fal"}
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await gateway.fetch("SELECT holder FROM provider_shares")
    finally:
        await gateway.close()


async def _change(pool: Pool, what: str) -> None:
    await pool.execute(f"UPDATE provider_paces SET {what}")
