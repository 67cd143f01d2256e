"""How often a provider is asked, and whether at all: in one worker, or by all of them together.

Together they keep one row for each provider in Postgres: a bucket that holds the calls of a minute
and refills at the provider's rate, and until when nobody is sent there. Each call that is begun is
one statement, so that no worker need know how many others there are.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import structlog
from aiolimiter import AsyncLimiter

from commands.supplies import Supply
from processors.providers.base import ProviderUnavailable, TooLate
from processors.worker.retrying import patiently
from runtime.errors import PixelpopError
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries

_log = structlog.get_logger(__name__)
_QUERIES = load_queries(Path(__file__).with_name("pacing.sql"))

MINUTE_SECONDS: Final = 60.0
WAIT_SECONDS_MIN: Final = 0.05
RETRY_SECONDS: Final = 600.0
"""While the database is away it is asked again; who waits here has a limit of its own."""


class BreakerOpen(ProviderUnavailable):
    """The provider failed often just now; nothing was sent to it."""


class Busy(TooLate):
    """It would have taken too long until a call to this provider might begin."""


class Pace(Protocol):
    """Lets calls to one provider begin."""

    async def begin(self, pictures: int) -> bool:
        """Wait until one more may; returns whether it is a probe of one that failed.

        Args:
            pictures: how many it asks for.

        Raises:
            BreakerOpen: nobody may be sent there now.
        """
        ...

    async def open(self) -> None:
        """It failed often, or failed the probe: send nobody there for a while; never raises."""
        ...

    async def close(self) -> None:
        """It is well again; never raises."""
        ...


class OwnPace:
    """Of this worker alone.

    Args:
        supply: how many calls in a minute.
    """

    def __init__(self, supply: Supply) -> None:
        self._supply = supply
        self._limiter = AsyncLimiter(supply.per_minute, MINUTE_SECONDS)

    async def begin(self, pictures: int) -> bool:
        """See `Pace`."""
        await self._limiter.acquire(_weight(self._supply, pictures))
        return False

    async def open(self) -> None:
        """The breaker of this worker says it all."""

    async def close(self) -> None:
        """As above."""


class SharedPace:
    """Of all workers together.

    Args:
        pool: connected as the worker.
        supply: how many calls in a minute.
        open_seconds: how long nobody is sent to one that failed, but for a probe.
    """

    def __init__(self, pool: Pool, supply: Supply, *, open_seconds: float) -> None:
        self._pool = pool
        self._supply = supply
        self._provider = supply.provider
        self._open_seconds = open_seconds
        self._in_line = asyncio.Lock()

    async def begin(self, pictures: int) -> bool:
        """See `Pace`."""
        step_seconds = MINUTE_SECONDS * _weight(self._supply, pictures) / self._supply.per_minute
        if not self._in_line.locked():
            answer = await self._ask(step_seconds)
            if answer["probes"] is not None:
                return bool(answer["probes"])
        async with self._in_line:  # one of this worker asks, the others wait behind it
            while True:
                answer = await self._ask(step_seconds)
                if answer["probes"] is not None:
                    return bool(answer["probes"])
                await asyncio.sleep(max(answer["wait_seconds"], WAIT_SECONDS_MIN))

    async def _ask(self, step_seconds: float) -> Any:
        answer = await patiently(partial(self._begin, step_seconds), seconds=RETRY_SECONDS)
        if answer["probes"] is None and answer["is_open"]:
            raise BreakerOpen(f"{self._provider} failed often just now.")
        return answer

    async def _begin(self, step_seconds: float) -> Any:
        async with transaction(self._pool) as connection:
            # A call that is forgotten because the server crashed is no harm.
            await connection.execute("SET LOCAL synchronous_commit = off")
            return await connection.fetchrow(
                _QUERIES.begin,
                self._provider,
                step_seconds,
                MINUTE_SECONDS,
                self._open_seconds,
            )

    async def open(self) -> None:
        """See `Pace`."""
        await self._tell(_QUERIES.open, self._open_seconds)

    async def close(self) -> None:
        """See `Pace`."""
        await self._tell(_QUERIES.close)

    async def _tell(self, statement: str, *values: float) -> None:
        try:
            async with transaction(self._pool) as connection:
                await connection.execute(statement, self._provider, *values)
        except PixelpopError as error:
            # Each worker has its own breaker too, and the next probe tells again.
            _log.warning("a provider's state was not told", provider=self._provider, error=error)


def _weight(supply: Supply, pictures: int) -> int:
    """How much of a minute's limit a call takes; all of it at most, so that it can begin at all."""
    return min(pictures, supply.per_minute) if supply.counts_pictures else 1
