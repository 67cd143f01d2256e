"""How many messages a second Telegram lets a bot send, and what it says of one more.

Bots FAQ: about 30 a second altogether, one a second to the same chat; `ResponseParameters`:
`retry_after` is the number of seconds left to wait.
"""

from __future__ import annotations

import math

from tests.fakes.telegram.arguments import Refused
from tests.fakes.telegram.state import World


class Limits:
    """Token buckets: one for all, one for each chat."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._buckets: dict[int | None, tuple[float, float]] = {}
        self._closed_until: dict[int | None, float] = {}

    def take(self, chat_id: int) -> None:
        """Count one message.

        Raises:
            Refused: 429; a finding, if the bot was told to wait until later.
        """
        rules = self._world.rules
        burst = max(1, int(rules.per_second or 1))
        buckets = ((None, rules.per_second, burst), (chat_id, rules.per_chat_second, 0))
        levels: dict[int | None, float] = {}
        for key, rate, size in buckets:
            if rate is not None:
                levels[key] = self._level(key, rate, size or rules.per_chat_burst)
        for key, level in levels.items():
            levels[key] = level - 1
        now = self._world.clock.now()
        self._buckets |= {key: (level, now) for key, level in levels.items()}

    def _level(self, key: int | None, rate: float, size: int) -> float:
        now = self._world.clock.now()
        if now < self._closed_until.get(key, 0.0):
            where = "everywhere" if key is None else f"to chat {key}"
            self._world.findings.append(f"sent {where} before retry_after had passed")
            raise self._too_many(self._closed_until[key] - now)
        level, at = self._buckets.get(key, (float(size), now))
        level = min(float(size), level + (now - at) * rate)
        if level >= 1:
            return level
        seconds = math.ceil((1 - level) / rate)
        self._closed_until[key] = now + seconds
        raise self._too_many(seconds)

    def _too_many(self, seconds: float) -> Refused:
        left = max(1, math.ceil(seconds))
        return Refused(429, f"Too Many Requests: retry after {left}", left)
