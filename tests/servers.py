"""The servers that tests run against: embedded, or in containers; one set per test session."""

from __future__ import annotations

import asyncio
import os
import secrets as random_secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import asyncpg
import msgspec

from runtime import secrets
from runtime.embedded.servers import EmbeddedServers
from runtime.settings import Settings

PARTITIONS = 4
MIGRATIONS = Path(__file__).parents[1] / "deploy" / "migrations"
TEMPLATE = "pixelpop_template"
PROCESSES = (
    *("gateway", "decider", "worker", "projector", "eraser", "webhooks", "messages"),
    "auditor",
)
POSTGRES_IMAGE = "pgvector/pgvector:pg18"
KAFKA_IMAGE = "confluentinc/cp-kafka:7.9.2"
S3_PORT = 9000
S3_IMAGE = "minio/minio:RELEASE.2025-09-07T16-13-09Z"


class Database(NamedTuple):
    """A migrated database of one test: the owner's address and one for each process."""

    owner_url: str
    urls: dict[str, str]


@asynccontextmanager
async def running(data_dir: Path) -> AsyncIterator[Settings]:
    """Start the servers, yield settings that name them with the owner's database, stop them."""
    base = Settings(
        data_dir=data_dir,
        embedded=True,
        kafka_partitions=PARTITIONS,
        kafka_replication=1,
        jwt_secret=secrets.make_text(),
        master_key=secrets.make_master_key(),
        telegram_bot_token=secrets.make_bot_token(),
        telegram_poll=False,  # nobody's bot: Telegram has no updates for it
        previews="small",  # the others take their time, and few tests look at them
    )
    if os.environ.get("PIXELPOP_TEST_SERVERS", "embedded") == "containers":
        async with AsyncExitStack() as stack:
            yield await asyncio.to_thread(_containers, base, stack)
    else:
        servers = EmbeddedServers(base)
        try:
            yield await servers.start()
        finally:
            await servers.stop()


def _containers(base: Settings, stack: AsyncExitStack) -> Settings:
    from testcontainers.community.kafka import KafkaContainer
    from testcontainers.community.postgres import PostgresContainer
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import HttpWaitStrategy

    broker = KafkaContainer(KAFKA_IMAGE).with_kraft()
    kafka = stack.enter_context(broker.with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false"))
    postgres = stack.enter_context(PostgresContainer(POSTGRES_IMAGE, driver=None))
    key = secrets.make_password()
    store = stack.enter_context(
        DockerContainer(S3_IMAGE)
        .with_command("server /data")
        .with_env("MINIO_ROOT_USER", "pixelpop")
        .with_env("MINIO_ROOT_PASSWORD", key)
        .with_exposed_ports(S3_PORT)
        .waiting_for(HttpWaitStrategy(S3_PORT, "/minio/health/ready").for_status_code(200))
    )
    where = f"{store.get_container_host_ip()}:{store.get_exposed_port(S3_PORT)}"
    return msgspec.structs.replace(
        base,
        kafka_bootstrap_servers=kafka.get_bootstrap_server(),
        database_url=postgres.get_connection_url(),
        s3_endpoint_url=f"http://{where}",
        s3_access_key_id="pixelpop",
        s3_secret_access_key=key,
    )


async def migrate_template(owner_url: str) -> str:
    """Migrate a database once per session, for `fresh_database` to copy; returns its address."""
    from runtime.postgres.migrate import migrate

    url = await _create(owner_url, TEMPLATE, None)
    await migrate(url, MIGRATIONS)
    return url


async def fresh_database(owner_url: str) -> Database:
    """Copy the migrated template, and give each process a login to the copy."""
    from runtime.postgres.roles import create_process_roles

    name = f"test_{random_secrets.token_hex(6)}"
    url = await _create(owner_url, name, TEMPLATE)
    return Database(url, await create_process_roles(url, PROCESSES))


async def drop_database(owner_url: str, database: Database) -> None:
    """Remove a test's database, also when something is still connected to it."""
    name = database.owner_url.rpartition("/")[2]
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()


async def _create(owner_url: str, name: str, template: str | None) -> str:
    connection = await asyncpg.connect(owner_url)
    try:
        copied = f' TEMPLATE "{template}" STRATEGY FILE_COPY' if template else ""
        await connection.execute(f'CREATE DATABASE "{name}"{copied}')
        if template:  # rights on the database itself are not copied with it
            await connection.execute(f'GRANT CREATE ON DATABASE "{name}" TO pixelpop_projector')
    finally:
        await connection.close()
    return f"{owner_url.rpartition('/')[0]}/{name}"


async def prepare(settings: Settings) -> None:
    """Make the topics and the bucket, as `pixelpop up` does."""
    from events.topics import TOPICS
    from runtime.kafka.topics import TopicSpec, ensure_topics
    from runtime.objects import open_objects

    specs = [TopicSpec(name=topic.name, retention_ms=topic.retention_ms) for topic in TOPICS]
    await ensure_topics(settings, specs)
    async with open_objects(settings) as objects:
        await objects.ensure_bucket()
