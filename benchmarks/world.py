"""Our servers and processes for one group of rows, in a folder of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from benchmarks.children import Children, family_cpu_seconds
from events.topics import EVENTS, TOPICS
from runtime import secrets
from runtime.embedded.servers import EmbeddedServers
from runtime.kafka.clock import BrokerClock
from runtime.kafka.lookup import LogLookup
from runtime.kafka.producer import LogProducer
from runtime.kafka.topics import TopicSpec, ensure_topics
from runtime.objects import open_objects
from runtime.postgres.migrate import migrate
from runtime.postgres.roles import create_process_roles
from runtime.process import Ready
from runtime.settings import Settings, to_environment

ROOT = Path(__file__).parents[1]
PROCESSES = ("gateway", "decider", "worker", "projector")
LOGINS = {"projections": "projector"}
"""Whose login a command takes that is no process of its own."""

DRAIN_SECONDS = 300.0
STILL_SECONDS = 0.5
"""The log stands still when nothing is appended for so long."""

READY_SECONDS = 300.0
"""A decider is ready when it has folded the whole log, which may be long here."""


class World:
    """Running servers, migrated and with topics, and the children that use them.

    Attributes:
        settings: as the owner sees them.
        producer: the harness's own way to append.
    """

    def __init__(
        self, folder: Path, settings: Settings, producer: LogProducer, servers: EmbeddedServers
    ) -> None:
        self.folder = folder
        self._servers = servers
        self.settings = settings
        self.producer = producer
        self.children = Children(folder / "children")
        self._databases = 0
        self._urls: dict[str, str] = {}
        self.owner_url = ""

    async def new_database(self) -> None:
        """An empty, migrated database for the processes started from now on."""
        self._databases += 1
        name = f"bench_{self._databases}"
        server = self.settings.database_url
        assert server is not None
        connection = await asyncpg.connect(server)
        try:
            await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close()
        self.owner_url = f"{server.rpartition('/')[0]}/{name}"
        await migrate(self.owner_url, ROOT / "deploy" / "migrations")
        self._urls = await create_process_roles(self.owner_url, PROCESSES)

    async def start(
        self, process: str, *arguments: str, wait: bool = True, **changes: Any
    ) -> Ready | None:
        """Start one of ours, and wait until it says that it does its work."""
        ready_file = self.folder / f"{process}.ready"
        ready_file.unlink(missing_ok=True)
        settings = msgspec.structs.replace(
            self.settings,
            database_url=self._urls[LOGINS.get(process, process)],
            ready_file=ready_file,
            log_format="json",
            **{"log_level": "warning", "port": 0, **changes},
        )
        await self.children.start_python(
            process,
            ["-m", "pixelpop", process, *arguments],
            {**os.environ, **to_environment(settings)},
        )
        if not wait:
            return None

        async def said_so() -> bool:
            await asyncio.sleep(0)
            return ready_file.exists()

        await self.children.ready(process, said_so, READY_SECONDS)
        return msgspec.json.decode(ready_file.read_bytes(), type=Ready)

    def environment(self) -> dict[str, str]:
        """What a child that is none of ours starts with."""
        return dict(os.environ)

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time used so far by each process of the run, this one (`load`) included.

        It says where the work is; on a busy machine it moves less than a rate, but it does move.
        """
        pids = {name: server.pid for name, server in self._servers.running.items()}
        pids["load"] = os.getpid()
        used = {name: family_cpu_seconds(pid) for name, pid in pids.items() if pid is not None}
        return used | self.children.all_cpu_seconds()

    async def drained(self, *, projected: bool = True) -> None:
        """Wait until the log stands still and, unless told otherwise, is projected.

        Raises:
            TimeoutError: it takes longer than `DRAIN_SECONDS`.
        """
        async with asyncio.timeout(DRAIN_SECONDS), LogLookup(self.settings) as lookup:
            before = -1
            while True:
                places = [(EVENTS, n) for n in range(await self.producer.partitions(EVENTS))]
                end = sum((await lookup.end_offsets(places)).values())
                done = end if not projected else await self._projected()
                if end == before == done:
                    return
                before = end
                await asyncio.sleep(STILL_SECONDS)

    async def _projected(self) -> int:
        connection = await asyncpg.connect(self.owner_url)
        try:
            return int(
                await connection.fetchval(
                    "SELECT coalesce(sum(next_offset), 0) FROM read.projection_offsets"
                )
            )
        finally:
            await connection.close()

    async def stop(self, *processes: str) -> None:
        """Drain and end some of ours."""
        for process in processes:
            await self.children.stop(process)


@asynccontextmanager
async def running(folder: Path, **changes: Any) -> AsyncIterator[World]:
    """Start the servers, yield them, stop everything."""
    base = Settings(
        data_dir=folder,
        embedded=True,
        kafka_replication=1,
        jwt_secret=secrets.make_text(),
        master_key=secrets.make_master_key(),
        telegram_bot_token=secrets.make_bot_token(),
        local_latency_seconds=0,
        **changes,
    )
    servers = EmbeddedServers(base)
    settings = await servers.start()
    producer = LogProducer(settings, clock=BrokerClock(), role="bench")
    try:
        specs = [TopicSpec(name=topic.name, retention_ms=topic.retention_ms) for topic in TOPICS]
        await ensure_topics(settings, specs)
        async with open_objects(settings) as objects:
            await objects.ensure_bucket()
        await producer.start()
        world = World(folder, settings, producer, servers)
        await world.new_database()
        try:
            yield world
        finally:
            await world.children.stop_all()
    finally:
        await producer.stop()
        await servers.stop()
