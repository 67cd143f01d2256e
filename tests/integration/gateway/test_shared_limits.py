"""Several gateways over one Redis: no limit multiplies, and a Redis that is away stops nobody."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.limits.quotas import Limits, Policy
from gateway.limits.shared import SharedLimits
from gateway.web.errors import Problem
from runtime.errors import SettingsError
from runtime.ports import free_port
from runtime.settings import Settings
from runtime.waiting import until
from tests.integration.gateway.test_limits_by_address import is_limited
from tests.integration.gateway.world import Person, World, another_gateway


class Redis:
    """A Redis of a test's own, which it may stop and start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        program = shutil.which("redis-server")
        assert program is not None
        arguments = f"--port {self.port} --bind 127.0.0.1 --save '' --appendonly no".split()
        self._process = await asyncio.create_subprocess_exec(
            program,
            *(one.strip("'") for one in arguments),
            cwd=self._folder,
            stdout=asyncio.subprocess.DEVNULL,
        )
        await until(self._answers, 10, what="the Redis of the test")

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None


@pytest_asyncio.fixture(loop_scope="session")
async def redis(tmp_path: Path) -> AsyncIterator[Redis]:
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server on this machine")
    one = Redis(tmp_path)
    await one.start()
    yield one
    await one.stop()


@asynccontextmanager
async def counting(redis: Redis) -> AsyncIterator[Limits]:
    """The limits of one more gateway."""
    shared = SharedLimits(redis.url, 1.0)
    yield Limits(Settings(), shared=shared)
    await shared.close()


async def take(limits: Limits, policy: Policy, key: str) -> bool:
    try:
        await limits.take(policy, key)
    except Problem as refused:
        if refused.code != "too-many-requests":
            raise
        return False
    return True


async def test_a_quota_is_one_however_many_count(redis: Redis) -> None:
    """Ten are taken in all, by three gateways at once; the refusal says when there are more."""
    async with counting(redis) as one, counting(redis) as two, counting(redis) as three:
        policy = one.policies.api_key._replace(quota=10, window_seconds=60)
        taken = await asyncio.gather(
            *(take(limits, policy, "k") for _ in range(15) for limits in (one, two, three))
        )
        assert sum(taken) == 10
        for limits in (one, two, three):
            with pytest.raises(Problem) as refused:
                await limits.take(policy, "k")
            assert 55 <= refused.value.members["retry_after"] <= 61
            told = dict(await limits.left(policy, "k"))
            assert told[b"ratelimit"].startswith(b'"api-key";r=0;t=')
        assert await take(two, policy, "another")


async def test_who_waits_as_long_as_told_is_taken(redis: Redis) -> None:
    """The wait that the store's counters give is long enough, and not much longer."""
    async with counting(redis) as one, counting(redis) as two:
        policy = one.policies.api_key._replace(quota=3, window_seconds=1)
        for _ in range(3):
            assert await take(one, policy, "k")
        with pytest.raises(Problem):
            await two.take(policy, "k")
        await until(lambda: take(two, policy, "k"), 3, what="the next one")


async def test_a_store_that_is_away_stops_nobody(redis: Redis) -> None:
    """Without it each gateway counts for itself; with it back, together again."""
    async with counting(redis) as one:
        policy = one.policies.api_key._replace(quota=5)
        await redis.stop()
        assert [await take(one, policy, "k") for _ in range(7)] == [True] * 5 + [False] * 2
        await redis.start()

        async def counted() -> bool:
            assert one.shared is not None
            await take(one, policy, "later")
            return bool(await one.shared.left(policy, "later"))

        await until(counted, 10, what="the store to be asked again")


async def test_two_gateways_share_the_limits_of_an_account(
    world: World, person: Person, redis: Redis
) -> None:
    """What one gateway took, the other refuses, with all that a 429 says."""
    settings = {"redis_url": redis.url, "redis_timeout_seconds": 2.0, "limit_account_per_minute": 6}
    async with another_gateway(world, **settings) as one, another_gateway(world, **settings) as two:
        for gateway in (one, two, one, two, one, two):
            answer = await gateway.client.get("/credits", headers=person.authorization)
            assert answer.status_code == 200
        for gateway in (one, two):
            answer = await gateway.client.get("/credits", headers=person.authorization)
            is_limited(answer, "account")


def test_an_address_that_is_none_stops_the_start() -> None:
    """The sentence names the setting, and not what may be a password."""
    with pytest.raises(SettingsError, match="REDIS_URL") as refused:
        SharedLimits("http://user:secret@example", 1.0)
    assert "secret" not in str(refused.value)
