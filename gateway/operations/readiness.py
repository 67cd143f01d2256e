"""Whether each part that the gateway needs really answers, asked at every `/readyz`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from events.topics import LIVE
from gateway.live.tail_reader import TailReader
from runtime.errors import PixelpopError
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.objects import ObjectStore
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("readiness.sql"))

Check = Callable[[], Awaitable[str | None]]

CHECK_SECONDS_MAX: Final = 3.0
"""How long one part may take to show that it is ready."""
KEPT_SECONDS: Final = 0.5
"""Anybody may ask, and each asking costs the parts something."""
PROBED_KEY: Final = "readyz"
"""An object that need not exist: that the store says so is answer enough."""


class PartDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one part is ready."""

    ready: bool
    reason: str | None = None
    took_ms: int = 0


class ReadyDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Whether this gateway can do all its work."""

    ready: bool
    parts: dict[str, PartDocument]


class Readiness:
    """Asks every part, all at once; not more often than every `KEPT_SECONDS`.

    Args:
        checks: by part: None when it is ready, else a clause why not.
    """

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._kept: ReadyDocument | None = None
        self._kept_until = 0.0
        self._asking = asyncio.Lock()

    async def ask(self) -> ReadyDocument:
        """How every part is."""
        async with self._asking:
            if self._kept is None or time.monotonic() >= self._kept_until:
                answers = await asyncio.gather(*(_check(one) for one in self._checks.values()))
                parts = dict(zip(self._checks, answers, strict=True))
                ready = all(part.ready for part in parts.values())
                self._kept = ReadyDocument(ready=ready, parts=parts)
                self._kept_until = time.monotonic() + KEPT_SECONDS
            return self._kept


async def _check(check: Check) -> PartDocument:
    began = time.monotonic()
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            reason = await check()
    except TimeoutError:
        reason = f"no answer within {CHECK_SECONDS_MAX:g} s"
    except PixelpopError as error:
        reason = error.code
    except Exception as error:  # noqa: BLE001  whatever it is, the part is not ready
        reason = type(error).__name__
    took_ms = round((time.monotonic() - began) * 1000)
    return PartDocument(ready=reason is None, reason=reason, took_ms=took_ms)


def checks(
    producer: LogProducer, clock: BrokerClock, pool: Pool, objects: ObjectStore, tail: TailReader
) -> dict[str, Check]:
    """The checks by part: each answers None, or a sentence why the part is not ready."""

    async def log() -> None:
        await clock.prime(producer, LIVE)

    async def database() -> str | None:
        async with transaction(pool) as connection:
            if not await connection.fetchval(_QUERIES.is_migrated):
                return "the migrations were not applied"
        return None

    async def read_models() -> str | None:
        async with transaction(pool) as connection:
            if not await connection.fetchval(_QUERIES.has_read_models):
                return "the projector has not made its tables yet"
        return None

    async def object_storage() -> None:
        await objects.head(PROBED_KEY)

    async def live_tail() -> str | None:
        return None if tail.caught_up else "it is still reading the last minutes of the log"

    return {
        "log": log,
        "database": database,
        "read_models": read_models,
        "objects": object_storage,
        "tail": live_tail,
    }
