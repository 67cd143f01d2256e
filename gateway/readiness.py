"""Whether each part that the gateway needs really answers, asked at every `/readyz`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from events.topics import LIVE
from gateway.tail_reader import TailReader
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.objects import ObjectStore
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("readiness.sql"))

PROBED_KEY: Final = "readyz"
"""An object that need not exist: that the store says so is answer enough."""


def checks(
    producer: LogProducer, clock: BrokerClock, pool: Pool, objects: ObjectStore, tail: TailReader
) -> dict[str, Callable[[], Awaitable[str | None]]]:
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
