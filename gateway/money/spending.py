"""What providers took lately: time and money, as the read models have it, asked now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from runtime.errors import PixelpopError
from runtime.postgres.pool import Pool, borrowed
from runtime.queries import load_queries

_log = structlog.get_logger(__name__)
QUERIES = load_queries(Path(__file__).with_name("spending.sql"))

MEDIANS_SECONDS: Final = 60.0
"""How long medians are shown before they are asked for anew."""
MEDIANS_SINCE_MS: Final = 24 * 3_600_000
MEDIANS_RESULTS: Final = 200
"""Of so many last results of a model, not older than that."""

Medians = tuple[tuple[str, float], ...]
"""Model and seconds, by model."""


class Spending:
    """What is known of it; where the database does not answer, what was known before.

    Args:
        pool: where the read models are.
        now_ms: the broker's time.
    """

    def __init__(self, pool: Pool, now_ms: Callable[[], int]) -> None:
        self._pool = pool
        self._now_ms = now_ms
        self._medians: Medians = ()
        self._medians_at = -MEDIANS_SECONDS
        self._asking = asyncio.Lock()

    async def medians(self) -> Medians:
        """How long each model's last results took."""
        async with self._asking:
            if time.monotonic() - self._medians_at >= MEDIANS_SECONDS:
                self._medians_at = time.monotonic()
                try:
                    self._medians = await self._ask_medians()
                except PixelpopError as error:
                    _log.warning("the models' times were not read", error=error)
        return self._medians

    async def _ask_medians(self) -> Medians:
        since_ms = self._now_ms() - MEDIANS_SINCE_MS
        async with borrowed(self._pool) as connection:
            rows = await connection.fetch(QUERIES.medians, since_ms, MEDIANS_RESULTS)
        return tuple((row["model"], round(row["median_ms"] / 1000, 1)) for row in rows)
