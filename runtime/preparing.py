"""What must exist in the servers before a process starts: tables, logins, topics, the bucket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

from runtime.errors import SettingsError
from runtime.kafka.topics import TopicSpec, ensure_topics
from runtime.settings import Settings

PROCESSES = ("gateway", "decider", "worker", "projector")


class Plan(NamedTuple):
    """What the parts above this kit need; `runtime` knows none of them."""

    migrations: Path
    topics: list[TopicSpec]


async def prepare(settings: Settings, plan: Plan) -> dict[str, str]:
    """Migrate, make logins, topics and bucket, all of it harmless to repeat.

    Args:
        settings: with the owner's DATABASE_URL.
        plan: what to make.

    Returns:
        Process → its own DATABASE_URL.

    Raises:
        SettingsError: DATABASE_URL is not set.
        StartError: a server refuses, or something there is not as it must be; the message says.
    """
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL is not set; it must be the owner's.")
    urls, _, _ = await asyncio.gather(
        prepare_database(settings.database_url, plan.migrations),
        ensure_topics(settings, plan.topics),
        prepare_bucket(settings),
    )
    return urls


async def prepare_database(owner_url: str, migrations: Path) -> dict[str, str]:
    """Migrate, and give every process a login with its own rights."""
    from runtime.postgres.migrate import migrate
    from runtime.postgres.roles import create_process_roles

    await migrate(owner_url, migrations)
    return await create_process_roles(owner_url, PROCESSES)


async def prepare_bucket(settings: Settings) -> None:
    """Make the bucket if it is missing."""
    from runtime.objects import open_objects

    async with open_objects(settings) as objects:
        await objects.ensure_bucket()
