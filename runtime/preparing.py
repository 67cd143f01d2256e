"""What must exist in the servers before a process starts: tables, logins, topics, the bucket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

from runtime.errors import SettingsError
from runtime.kafka.topics import TopicSpec, ensure_topics
from runtime.settings import Settings

PROCESSES = (
    *("gateway", "decider", "worker", "projector", "eraser", "webhooks", "messages"),
    "auditor",
)


class Plan(NamedTuple):
    """What the parts above this kit need; `runtime` knows none of them."""

    migrations: Path
    topics: list[TopicSpec]


async def prepare(settings: Settings, plan: Plan, *, logins: bool) -> dict[str, str]:
    """Migrate, make topics and bucket, all of it harmless to repeat; and logins, if asked to.

    Args:
        settings: with the owner's DATABASE_URL.
        plan: what to make.
        logins: whether to renew every process's login. Processes that run with the old ones
            cannot make new connections any more.

    Returns:
        Process → its own DATABASE_URL, for the logins that were renewed.

    Raises:
        SettingsError: DATABASE_URL is not set.
        StartError: a server refuses, or something there is not as it must be; the message says.
    """
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL is not set; it must be the owner's.")
    urls, _, _ = await asyncio.gather(
        prepare_database(settings.database_url, plan.migrations, logins=logins),
        ensure_topics(settings, plan.topics),
        prepare_bucket(settings),
    )
    return urls


async def prepare_database(owner_url: str, migrations: Path, *, logins: bool) -> dict[str, str]:
    """Migrate, and, if asked to, give every process a login with its own rights."""
    from runtime.postgres.migrate import migrate
    from runtime.postgres.roles import create_process_roles

    await migrate(owner_url, migrations)
    return await create_process_roles(owner_url, PROCESSES if logins else ())


async def prepare_bucket(settings: Settings) -> None:
    """Make the bucket if it is missing."""
    from runtime.objects import open_objects

    async with open_objects(settings) as objects:
        await objects.ensure_bucket()
