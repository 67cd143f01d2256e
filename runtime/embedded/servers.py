"""The set of embedded servers that a data directory needs: those that no setting names."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog
from rich.console import Console

from runtime import secrets, spawning
from runtime.embedded import artifacts, virtual_machine
from runtime.embedded.kafka import EmbeddedKafka
from runtime.embedded.postgres import DATABASE, EmbeddedPostgres, owner_url
from runtime.embedded.s3 import EmbeddedS3
from runtime.embedded.server import EmbeddedServer
from runtime.errors import StartError
from runtime.settings import Settings

log = structlog.get_logger(__name__)

S3_ACCESS_KEY_ID = "pixelpop"


class EmbeddedServers:
    """Starts what is not configured, all at once, and says where it is.

    Attributes:
        running: the servers of this set, by name, in the order in which they are stopped.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        console: Console | None = None,
        report: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._settings = settings
        self._console = console or Console(stderr=True)
        self._report = report
        self._downloading = asyncio.Lock()
        self.running: dict[str, EmbeddedServer] = {}

    async def start(self) -> Settings:
        """Start the servers; the settings that come back name them, with the owner's database.

        Raises:
            StartError: one could not start; the others have been stopped again.
        """
        cache = self._settings.cache_dir or artifacts.default_cache()
        starts = []
        if self._settings.database_url is None:
            starts.append(self._start_postgres())
        if self._settings.kafka_bootstrap_servers is None:
            starts.append(self._start_kafka(cache))
        if self._settings.s3_endpoint_url is None:
            starts.append(self._start_s3(cache))
        tasks = [asyncio.create_task(start) for start in starts]
        try:
            changes = await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.stop()
            raise
        settings = msgspec.structs.replace(self._settings, embedded=is_embedded(self._settings))
        for change in changes:
            settings = msgspec.structs.replace(settings, **change)
        return settings

    async def stop(self) -> None:
        """Stop all servers: each its own way, and by SIGKILL after a bounded wait."""
        await asyncio.gather(*(server.stop() for server in self.running.values()))

    async def _start_postgres(self) -> dict[str, object]:
        file = secrets.SecretsFile(self._settings.data_dir)
        server = EmbeddedPostgres(
            self._settings.data_dir,
            password=file.get("postgres_password", secrets.make_password),
            port=self._settings.embedded_postgres_port,
        )
        return {"database_url": await self._start(server)}

    async def _start_kafka(self, cache: Path) -> dict[str, object]:
        server = EmbeddedKafka(
            self._settings.data_dir,
            class_path=await self._class_path("kafka", cache),
            cache=cache,
            port=self._settings.embedded_kafka_port,
        )
        address = await self._start(server)
        return {"kafka_bootstrap_servers": address, "kafka_replication": 1}

    async def _start_s3(self, cache: Path) -> dict[str, object]:
        file = secrets.SecretsFile(self._settings.data_dir)
        secret = file.get("s3_secret_access_key", secrets.make_password)
        server = EmbeddedS3(
            self._settings.data_dir,
            class_path=await self._class_path("s3proxy", cache),
            cache=cache,
            access_key_id=S3_ACCESS_KEY_ID,
            secret_access_key=secret,
            port=self._settings.embedded_s3_port,
        )
        return {
            "s3_endpoint_url": await self._start(server),
            "s3_access_key_id": S3_ACCESS_KEY_ID,
            "s3_secret_access_key": secret,
        }

    async def _class_path(self, program: str, cache: Path) -> str:
        """One program at a time: two progress displays cannot share a terminal."""
        async with self._downloading:
            stop = threading.Event()
            try:
                class_path = await asyncio.to_thread(
                    artifacts.class_path, program, cache, self._console, stop
                )
            except asyncio.CancelledError:
                stop.set()
                raise
            java = artifacts.java()
            archives = virtual_machine.archives(program, java, class_path, cache)
            await virtual_machine.ensure_base(java, archives.base)
        return class_path

    async def _start(self, server: EmbeddedServer) -> str:
        self.running[server.name] = server
        address = await server.start()
        self._report(f"{server.title} is ready on port {server.port}")
        return address


def attach(settings: Settings) -> Settings:
    """Settings that name the servers which a running `pixelpop up` has started here.

    What is configured stays as it is; the database is the owner's.

    Raises:
        StartError: a server is neither configured nor running.
    """
    data_dir = settings.data_dir.absolute()
    known = secrets.SecretsFile(data_dir).read()
    changes: dict[str, object] = {}
    if settings.kafka_bootstrap_servers is None:
        port = running_port(data_dir, EmbeddedKafka.name)
        changes |= {"kafka_bootstrap_servers": f"127.0.0.1:{port}", "kafka_replication": 1}
    if settings.database_url is None:
        port = running_port(data_dir, EmbeddedPostgres.name)
        changes["database_url"] = owner_url(known["postgres_password"], port, DATABASE)
    if settings.s3_endpoint_url is None:
        port = running_port(data_dir, EmbeddedS3.name)
        changes["s3_endpoint_url"] = f"http://127.0.0.1:{port}"
        changes["s3_access_key_id"] = S3_ACCESS_KEY_ID
        changes["s3_secret_access_key"] = known["s3_secret_access_key"]
    embedded = is_embedded(settings)
    return msgspec.structs.replace(settings, data_dir=data_dir, embedded=embedded, **changes)


def is_embedded(settings: Settings) -> bool:
    """Whether no outside server is configured, so that the data directory holds everything."""
    return configured(settings) == 0


def starts_some(settings: Settings) -> bool:
    """Whether `up` starts any server itself."""
    return configured(settings) < len(_SERVER_FIELDS)


def configured(settings: Settings) -> int:
    """How many outside servers the settings name."""
    return sum(getattr(settings, field) is not None for field in _SERVER_FIELDS)


_SERVER_FIELDS = ("database_url", "kafka_bootstrap_servers", "s3_endpoint_url")


def running_port(data_dir: Path, name: str) -> int:
    """Where the embedded server of that name answers now.

    Raises:
        StartError: it does not run.
    """
    if spawning.running(data_dir / "run", name) is None:
        raise StartError(
            f"No outside server is configured for {name}, and none runs in {data_dir}. "
            "Start `pixelpop up` first, or set its address (see .env.example)."
        )
    return int((data_dir / name / "port").read_text())
