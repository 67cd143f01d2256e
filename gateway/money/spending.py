"""What providers took lately: time and money, as the read models have it, asked now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from commands.supplies import SUPPLIES
from gateway.operations import metrics
from runtime.errors import PixelpopError, SettingsError
from runtime.postgres.pool import Pool, borrowed
from runtime.queries import load_queries
from runtime.settings import Settings

_log = structlog.get_logger(__name__)
QUERIES = load_queries(Path(__file__).with_name("spending.sql"))

MEDIANS_SECONDS: Final = 60.0
"""How long medians are shown before they are asked for anew."""
MEDIANS_SINCE_MS: Final = 24 * 3_600_000
MEDIANS_RESULTS: Final = 200
"""Of so many last results of a model, not older than that."""

SPEND_SECONDS: Final = 5.0
"""How old what is known of today's spend may be where a ceiling is set."""
DAY_MS: Final = 86_400_000
MICROS: Final = 1_000_000
ALERT_FROM: Final = 0.8
"""From which part of a ceiling on somebody should look."""
ALL: Final = "all"


class Ceilings(NamedTuple):
    """What a day may cost, in millionths of a US dollar."""

    all: int | None
    """All providers together; None: no such ceiling."""
    by_provider: dict[str, int]


def ceilings_of(settings: Settings) -> Ceilings:
    """The ceilings that are set.

    Raises:
        SettingsError: one names no provider that is paid.
    """
    by_provider = {}
    for part in filter(None, settings.budget_usd_by_provider.split(",")):
        name, dollars = part.split("=")
        if name not in SUPPLIES or not SUPPLIES[name].is_paid:
            raise SettingsError(
                f"PIXELPOP_BUDGET_USD_BY_PROVIDER names {name}, which is no provider that is paid."
            )
        by_provider[name] = int(dollars) * MICROS
    dollars_of_all = settings.budget_usd_a_day
    return Ceilings(None if dollars_of_all is None else dollars_of_all * MICROS, by_provider)


def closed_by(ceilings: Ceilings, spent: Mapping[str, int]) -> frozenset[str]:
    """The paid providers that may not be asked any more after so much was spent today."""
    paid = frozenset(name for name, one in SUPPLIES.items() if one.is_paid)
    if ceilings.all is not None and sum(spent.values()) >= ceilings.all:
        return paid
    over = {name for name, most in ceilings.by_provider.items() if spent.get(name, 0) >= most}
    return paid & over


Medians = tuple[tuple[str, float], ...]
"""Model and seconds, by model."""


class Spending:
    """What is known of it; where the database does not answer, what was known before.

    Args:
        pool: where the read models are.
        now_ms: the broker's time.
        ceilings: of a day's spend.
    """

    def __init__(self, pool: Pool, now_ms: Callable[[], int], ceilings: Ceilings) -> None:
        self._pool = pool
        self._now_ms = now_ms
        self._medians: Medians = ()
        self._medians_at = -MEDIANS_SECONDS
        self._asking = asyncio.Lock()
        self._ceilings = ceilings
        self._closed: frozenset[str] = frozenset()
        self._closed_at = -SPEND_SECONDS

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

    async def closed(self) -> frozenset[str]:
        """The paid providers that have spent what they may today (UTC)."""
        if self._ceilings.all is None and not self._ceilings.by_provider:
            return frozenset()
        async with self._asking:
            if time.monotonic() - self._closed_at >= SPEND_SECONDS:
                self._closed_at = time.monotonic()
                try:
                    self._closed = closed_by(self._ceilings, await self._ask_spent())
                except PixelpopError as error:
                    _log.warning("what was spent today was not read", error=error)
        return self._closed

    async def _ask_spent(self) -> dict[str, int]:
        """Today's spend by provider, in millionths of a US dollar; what is uncertain counts."""
        now_ms = self._now_ms()
        begin_ms = now_ms - now_ms % DAY_MS
        async with borrowed(self._pool) as connection:
            rows = await connection.fetch(QUERIES.spend, begin_ms, begin_ms + DAY_MS)
        spent: dict[str, int] = {}
        for row in rows:
            micros = row["cost_micros"] + row["uncertain_micros"]
            spent[row["provider"]] = spent.get(row["provider"], 0) + micros
        self._measure(spent)
        return spent

    def _measure(self, spent: dict[str, int]) -> None:
        sums = {**dict.fromkeys(self._ceilings.by_provider, 0), **spent, ALL: sum(spent.values())}
        for name, micros in sums.items():
            metrics.SPEND_TODAY.labels(name).set(micros / MICROS)
            most = self._ceilings.all if name == ALL else self._ceilings.by_provider.get(name)
            if most is not None:
                metrics.SPEND_CEILING.labels(name).set(most / MICROS)
                metrics.SPEND_ALERT.labels(name).set(micros >= ALERT_FROM * most)

    async def _ask_medians(self) -> Medians:
        since_ms = self._now_ms() - MEDIANS_SINCE_MS
        async with borrowed(self._pool) as connection:
            rows = await connection.fetch(QUERIES.medians, since_ms, MEDIANS_RESULTS)
        return tuple((row["model"], round(row["median_ms"] / 1000, 1)) for row in rows)
