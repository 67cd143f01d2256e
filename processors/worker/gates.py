"""What stands before each provider: a circuit breaker, room for calls, a rate.

The breaker counts only what says something of the provider's health: that it was not reached,
answered 429 or 5xx after all its tries, or did not answer. While it is open nobody is sent there;
after a while one call goes through as a probe, and its outcome opens or closes it.

Each worker counts failures itself. Room, rate and an open breaker are shared with all workers where
they concern an account or a server that all of them use.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import Final, Protocol

import structlog
from purgatory.domain.model import Context, OpenedState

from commands.supplies import SUPPLIES, Supply
from processors.providers.base import (
    ProviderError,
    ProviderUnavailable,
    ProviderUncertain,
    TooLate,
)
from processors.worker import metrics
from processors.worker.pacing import BreakerOpen, Busy, OwnPace, Pace, SharedPace
from processors.worker.rooms import Rooms
from runtime.postgres.pool import Pool

__all__ = ["BreakerOpen", "Busy", "Gate", "Gates"]

_log = structlog.get_logger(__name__)

FAILURES: Final = 5
"""So many in a row open the breaker."""
OPEN_SECONDS: Final = 30.0
_OPEN = {"closed": 0.0, "half-opened": 0.5, "opened": 1.0}


class Room(Protocol):
    """Bounds the calls at once."""

    async def acquire(self) -> object:
        """Wait until one more may begin."""
        ...

    def release(self) -> None:
        """One has ended."""
        ...


class Gate:
    """What stands before one provider.

    Args:
        supply: how many calls at once, and in a minute.
        failures: how many in a row open the breaker.
        open_seconds: how long it stays open before a probe.
        room: bounds the calls at once instead of `supply`, where workers share that.
        pace: the same for those of a minute.
    """

    def __init__(
        self,
        supply: Supply,
        *,
        failures: int = FAILURES,
        open_seconds: float = OPEN_SECONDS,
        room: Room | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.provider = supply.provider
        self._room = room or asyncio.Semaphore(supply.concurrency)
        self._pace = pace or OwnPace(supply)
        self._breaker = Context(supply.provider, failures, open_seconds)
        self._open_seconds = open_seconds
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether nobody may be sent there now."""
        if self._breaker.state == "half-opened":
            return self._probing
        if self._breaker.state != "opened":
            return False
        opened_at = self._breaker.opened_at or 0.0
        return self._probing or time.time() <= opened_at + self._open_seconds

    @contextlib.asynccontextmanager
    async def passed(self, seconds_max: float, pictures: int = 1) -> AsyncIterator[None]:
        """Wait for room and for the rate; inside, call the provider.

        Args:
            seconds_max: how long the wait may take.
            pictures: how many the call asks for.

        Raises:
            BreakerOpen: at once, or after the wait.
            Busy: there was no room in time.
        """
        self._refuse_if_open()
        began = time.monotonic()
        try:
            async with asyncio.timeout(max(seconds_max, 0.0)):
                await self._room.acquire()
        except TimeoutError as error:
            raise Busy(f"{self.provider} had no room in time.") from error
        try:
            try:
                async with asyncio.timeout(max(seconds_max - (time.monotonic() - began), 0.0)):
                    is_probe = await self._pace.begin(pictures)
            except TimeoutError as error:
                raise Busy(f"{self.provider} may not be asked so often.") from error
            metrics.GATE_SECONDS.labels(self.provider).observe(time.monotonic() - began)
            async with self._watched(is_probe=is_probe):
                yield
        finally:
            self._room.release()

    @contextlib.asynccontextmanager
    async def _watched(self, *, is_probe: bool) -> AsyncIterator[None]:
        """Let the breaker see how the call ends."""
        self._refuse_if_open()
        try:
            self._breaker.handle_new_request()
        except OpenedState as error:
            raise BreakerOpen(f"{self.provider} failed often just now.") from error
        probes = self._breaker.state == "half-opened"
        self._probing = self._probing or probes
        try:
            yield
        except (ProviderUnavailable, ProviderUncertain) as error:
            self._breaker.handle_exception(error)
            if is_probe or self._breaker.state == "opened":
                await self._pace.open()
            raise
        except TooLate:
            raise  # nothing was asked
        except ProviderError:
            await self._is_well(is_probe=is_probe)  # it answers, if not what we hoped for
            raise
        else:
            await self._is_well(is_probe=is_probe)
        finally:
            if probes:
                self._probing = False
            self._tell()

    async def _is_well(self, *, is_probe: bool) -> None:
        self._breaker.handle_end_request()
        if is_probe:
            await self._pace.close()

    def _refuse_if_open(self) -> None:
        if self.is_open:
            raise BreakerOpen(f"{self.provider} failed often just now.")

    def _tell(self) -> None:
        for message in self._breaker.messages:
            if hasattr(message, "state"):
                _log.warning("a breaker changed", provider=self.provider, state=message.state)
        self._breaker.messages.clear()
        metrics.BREAKER_OPEN.labels(self.provider).set(_OPEN[self._breaker.state])


class Gates:
    """Those of all providers; made as they are needed.

    Args:
        supplies: what bounds their calls.
        failures: how many in a row open a breaker.
        open_seconds: how long it stays open.
        rooms: what this worker shares with others; None: it is alone.
        pool: where all workers keep rates and breakers, if they share them.
    """

    def __init__(
        self,
        supplies: Mapping[str, Supply] = SUPPLIES,
        *,
        failures: int = FAILURES,
        open_seconds: float = OPEN_SECONDS,
        rooms: Rooms | None = None,
        pool: Pool | None = None,
    ) -> None:
        self._supplies = supplies
        self._failures = failures
        self._open_seconds = open_seconds
        self._rooms = {} if rooms is None else rooms.all
        self._pool = pool
        self._gates: dict[str, Gate] = {}

    def of(self, provider: str) -> Gate:
        """What stands before this one."""
        if provider not in self._gates:
            supply = self._supplies.get(provider) or Supply(provider=provider)
            self._gates[provider] = Gate(
                supply,
                failures=self._failures,
                open_seconds=self._open_seconds,
                room=self._rooms.get(provider),
                pace=self._pace(supply),
            )
        return self._gates[provider]

    def narrow(self, jobs_max: int) -> dict[str, int]:
        """The providers that take fewer calls at once than a worker has jobs, and how many."""
        return {
            name: one.concurrency
            for name, one in self._supplies.items()
            if one.concurrency < jobs_max
        }

    def _pace(self, supply: Supply) -> Pace | None:
        if self._pool is None or supply.provider not in self._rooms:
            return None
        return SharedPace(self._pool, supply, open_seconds=self._open_seconds)
