"""The store in which several gateways count together: Redis, by the library `limits`.

Its sliding window counter is the rule of `limits`, kept by a script in Redis, so that two gateways
never both take the last one. A store that is away stops nobody: until it is back every gateway
counts for itself, which is said in the log and by `pixelpop_gateway_limits_store_up`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any, Final

import redis.asyncio
import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from redis.exceptions import RedisError

from gateway.limits.quotas import A_MOMENT_SECONDS, Policy, wait_seconds
from gateway.operations import metrics
from runtime.errors import SettingsError

_log = structlog.get_logger(__name__)

KEY_PREFIX: Final = "pixelpop-limits"
CONNECTIONS_MAX: Final = 64
AWAY_SECONDS: Final = 1.0
"""A store that did not answer is left alone for so long."""
SPENT_MAX: Final = 50_000
"""Refusals that are remembered, so that whoever goes on asking costs no round trip."""
SCHEMES: Final = ("redis://", "rediss://", "unix://")


class SharedLimits:
    """Takes from counters that all gateways see.

    Args:
        url: of the Redis, or what speaks its protocol.
        timeout_seconds: how long one question may take.

    Raises:
        SettingsError: the address cannot be used.
    """

    def __init__(self, url: str, timeout_seconds: float) -> None:
        if not url.startswith(SCHEMES):
            raise SettingsError(
                f"REDIS_URL begins with none of {', '.join(SCHEMES)}, which are what is known."
            )
        self._pool: Any = redis.asyncio.BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS_MAX,
            timeout=timeout_seconds,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
        )
        self._storage = RedisStorage(
            "async+redis://the-pool-knows:0",
            implementation="redispy",
            key_prefix=KEY_PREFIX,
            connection_pool=self._pool,  # type: ignore[arg-type]  # said to be possible, not typed
        )
        self._away_until = 0.0
        self._spent: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._items: dict[str, RateLimitItemPerSecond] = {}
        metrics.LIMITS_STORE_UP.set(1)

    async def take(self, policy: Policy, key: str) -> None:
        """Take one; while the store is away, nothing is asked.

        Raises:
            Problem: there is none.
        """
        self.require(policy, key)
        now = time.monotonic()
        if now < self._away_until:
            return
        try:
            wait = await self._take(policy, key)
        except (RedisError, OSError, TimeoutError) as error:
            self._is_away(error)
            return
        if self._away_until:
            self._is_back()
        if wait > 0:
            self._remember((policy.name, key), now + wait)
            metrics.LIMITED.labels(policy.name).inc()
            raise policy.refusal(wait)

    def require(self, policy: Policy, key: str) -> None:
        """Refuse whom the store refused lately.

        Raises:
            Problem: nothing is left.
        """
        rest = self._spent.get((policy.name, key), 0.0) - time.monotonic()
        if rest > 0:
            metrics.LIMITED.labels(policy.name).inc()
            raise policy.refusal(rest)

    async def left(self, policy: Policy, key: str) -> tuple[int, int, float] | None:
        """The counts of the window before and of this one, and its age; None: not known now."""
        if time.monotonic() < self._away_until:
            return None
        try:
            return await self._counts(policy, key)
        except (RedisError, OSError, TimeoutError) as error:
            self._is_away(error)
            return None

    async def _take(self, policy: Policy, key: str) -> float:
        """0, or how long until one more fits."""
        name, window = self._name(policy, key), policy.window_seconds
        if await self._storage.acquire_sliding_window_entry(name, policy.quota, window):
            return 0.0
        return max(wait_seconds(policy, *await self._counts(policy, key)), A_MOMENT_SECONDS)

    async def _counts(self, policy: Policy, key: str) -> tuple[int, int, float]:
        window = policy.window_seconds
        before, before_left, count, count_left = await self._storage.get_sliding_window(
            self._name(policy, key), window
        )
        # The running window has no other clock than what is left of these two: `before` goes with
        # it, and `count` is kept for one window more.
        rest = before_left if before else max(0.0, count_left - window)
        return before, count, window - rest

    def _name(self, policy: Policy, key: str) -> str:
        item = self._items.get(policy.name)
        if item is None:
            item = RateLimitItemPerSecond(policy.quota, policy.window_seconds)
            self._items[policy.name] = item
        return item.key_for(policy.name, key)

    def _remember(self, which: tuple[str, str], until: float) -> None:
        self._spent[which] = until
        self._spent.move_to_end(which)
        if len(self._spent) > SPENT_MAX:
            self._spent.popitem(last=False)

    def _is_away(self, error: Exception) -> None:
        if not self._away_until:
            _log.warning("the store of shared limits is away", error=repr(error))
            metrics.LIMITS_STORE_UP.set(0)
        self._away_until = time.monotonic() + AWAY_SECONDS

    def _is_back(self) -> None:
        _log.info("the store of shared limits is back")
        metrics.LIMITS_STORE_UP.set(1)
        self._away_until = 0.0

    async def close(self) -> None:
        """Close its connections."""
        await self._pool.disconnect()
