"""The embedded PostgreSQL: the wheel's own programs over a cluster below the data directory."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import structlog

from runtime.disk import naming_full_disk
from runtime.embedded import artifacts
from runtime.embedded.server import STOP_TIMEOUT_SECONDS, EmbeddedServer, listens
from runtime.errors import StartError
from runtime.ports import remembered_port
from runtime.queries import load_queries
from runtime.spawning import end_processes, forget, spawn

log = structlog.get_logger(__name__)
queries = load_queries(Path(__file__).with_suffix(".sql"))

OWNER = "pixelpop"
DATABASE = "pixelpop"
CONNECTIONS_MAX = 200
CONNECT_TIMEOUT_SECONDS = 5.0
UNPRIVILEGED_USER = "nobody"
"""Who the server is when root starts it, because PostgreSQL refuses to run as root."""

CONFIGURATION = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path may have 107 bytes, a data directory's more
    "max_connections": CONNECTIONS_MAX,
    "password_encryption": "scram-sha-256",
    "shared_buffers": "64MB",
    "wal_level": "minimal",  # nobody replicates it
    "max_wal_senders": 0,
    "max_wal_size": "512MB",
    "io_method": "sync",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL 18 with pgvector, on 127.0.0.1 with a password."""

    name = "postgres"
    title = "PostgreSQL"
    stop_signal = signal.SIGINT
    """A fast shutdown: it ends connections instead of waiting for them."""

    def __init__(self, data_dir: Path, *, password: str, port: int = 0) -> None:
        super().__init__(data_dir)
        self._configured_port = port
        self._password = password
        self._programs = artifacts.postgres_programs()
        self._cluster = self.folder / "data"
        self._user = UNPRIVILEGED_USER if os.geteuid() == 0 else None

    async def start(self) -> str:
        """Start, wait until the owner can log in, return the owner's DATABASE_URL."""
        await self.end_leftover()
        self.port = remembered_port(
            self.folder / "port", self._configured_port, "PIXELPOP_EMBEDDED_POSTGRES_PORT"
        )
        with naming_full_disk(self.data_dir):
            await self._initialise_once()
            await self._clear_stale_lock()
            settings = (f"{name}={value}" for name, value in CONFIGURATION.items())
            options = [part for setting in settings for part in ("-c", setting)]
            program = str(self._programs / "postgres")
            await self._launch(
                [program, "-D", str(self._cluster), "-p", str(self.port), *options],
                user=self._user,
            )
        await self._until_ready(self._answers)
        return self.url(DATABASE)

    def url(self, database: str) -> str:
        """The owner's address of a database."""
        return owner_url(self._password, self.port, database)

    async def _initialise_once(self) -> None:
        """Make the cluster; an interrupted try leaves only a folder that nobody looks at."""
        if self._cluster.exists():
            return
        growing = self.folder / "data.new"
        shutil.rmtree(growing, ignore_errors=True)
        growing.mkdir(mode=0o700, parents=True)
        if self._user:
            shutil.chown(growing, self._user)
        password_file = self.folder / "password"
        try:
            password_file.touch(mode=0o600)
            password_file.write_text(self._password)
            await self._run_initdb(growing, password_file)
        finally:
            password_file.unlink(missing_ok=True)
        growing.rename(self._cluster)

    async def _run_initdb(self, folder: Path, password_file: Path) -> None:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        command = [
            str(self._programs / "initdb"),
            *("-D", str(folder), "-U", OWNER, "-A", "scram-sha-256"),
            f"--pwfile={password_file}",
            *("-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            "--no-instructions",
        ]
        with self.log_file.open("ab") as output:
            process = await spawn(
                "initdb",
                command,
                run_dir=self.run_dir,
                death_signal=signal.SIGTERM,
                output=output.fileno(),
                user=self._user,
            )
        status = await process.wait()
        forget(self.run_dir, "initdb")
        if status != 0:
            raise self._failure(f"could not make its data directory (status {status})")

    async def _clear_stale_lock(self) -> None:
        """End what still works in the cluster's folder, and remove a lock that nobody holds.

        PostgreSQL trusts a lock whose pid belongs to anybody at all, and refuses to start while a
        backend of a killed server lives.
        """
        lock = self._cluster / "postmaster.pid"
        if not lock.exists():
            return
        left = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.cwd() == str(self._cluster):
                    left.append(process)
        if left:
            log.warning("ending PostgreSQL processes that an earlier start left", count=len(left))
            await end_processes(left, signal.SIGQUIT, STOP_TIMEOUT_SECONDS)
        lock.unlink(missing_ok=True)

    async def _answers(self) -> bool:
        if not await listens(self.port):
            return False
        import asyncpg

        try:
            connection = await asyncpg.connect(
                self.url("postgres"), timeout=CONNECT_TIMEOUT_SECONDS
            )
        except asyncpg.InvalidPasswordError as error:
            await self.stop()
            raise StartError(
                f"PostgreSQL in {self._cluster} was made with another password than the one in "
                "secrets.json. Put the old secrets.json back, or name another data directory."
            ) from error
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        try:
            if not await connection.fetchval(queries.database_exists):
                await connection.execute(queries.create_database)
        finally:
            await connection.close()
        return True


def owner_url(password: str, port: int, database: str) -> str:
    """The owner's address of a database; our passwords are made of hexadecimal digits."""
    return f"postgresql://{OWNER}:{password}@127.0.0.1:{port}/{database}"
