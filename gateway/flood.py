"""The first line against floods: far above the real limits, in memory, before the log is reached.

The decider alone judges the real limit, in the log. This only keeps a flood from filling it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from commands.policy import DEFAULT, Policy
from events.ids import AccountId

FACTOR: Final = 5
"""How many times the real limit may be asked for (design §2)."""


class FloodGuard:
    """One token bucket per account; the accounts unseen for longest are forgotten first.

    Args:
        accounts_max: how many are kept; a forgotten one starts with a full bucket.
        policy: the real limits.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        accounts_max: int,
        *,
        policy: Policy = DEFAULT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._accounts_max = accounts_max
        self._capacity = float(policy.bucket_generations * FACTOR)
        self._refill_seconds = policy.bucket_refill_ms / 1000 / FACTOR
        self._clock = clock
        self._buckets: OrderedDict[AccountId, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, account_id: AccountId) -> float:
        """Take one from the account's bucket: 0, or how long until there is one again."""
        now = self._clock()
        tokens, at = self._buckets.get(account_id, (self._capacity, now))
        tokens = min(self._capacity, tokens + (now - at) / self._refill_seconds)
        if tokens < 1:
            return (1 - tokens) * self._refill_seconds
        self._buckets[account_id] = (tokens - 1, now)
        self._buckets.move_to_end(account_id)
        if len(self._buckets) > self._accounts_max:
            self._buckets.popitem(last=False)
        return 0.0
