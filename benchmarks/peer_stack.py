"""Starts the peer beside our servers and makes its accounts."""

from __future__ import annotations

import os
import secrets
import shutil
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import jwt
import uvloop  # noqa: F401  (uvicorn is told to use it: fail here, with a clear message)

from benchmarks.children import Children, answers_http, answers_tcp
from benchmarks.load import Target
from runtime.ports import free_port

DATABASE = "peer"
CREDITS_EACH = 1_000_000
TOKEN_SECONDS = 24 * 3600


class Peer:
    """The peer's processes, on the same PostgreSQL as ours, in a database of its own."""

    def __init__(self, children: Children, folder: Path, owner_url: str) -> None:
        self._children = children
        self._folder = folder
        self._owner_url = owner_url
        self._url = urlunsplit(urlsplit(owner_url)._replace(path=f"/{DATABASE}"))
        self._secret = secrets.token_urlsafe(32)
        self._redis_port = 0
        self.target = Target(0)

    @staticmethod
    def missing() -> str | None:
        """Why the peer cannot be measured here; None if it can."""
        if shutil.which("redis-server") is None:
            return "redis-server is not installed"
        return None

    def environment(self, **more: str) -> dict[str, str]:
        """What its processes need."""
        return {
            **os.environ,
            "PEER_DATABASE_URL": self._url.replace("postgresql://", "postgresql+asyncpg://", 1),
            "PEER_REDIS_URL": f"redis://127.0.0.1:{self._redis_port}/0",
            "PEER_JWT_SECRET": self._secret,
            **more,
        }

    async def start(self) -> None:
        """Redis with its append-only file, the tables, the front door."""
        owner = await asyncpg.connect(self._owner_url)
        try:
            await owner.execute("CREATE DATABASE peer")
        finally:
            await owner.close()
        self._redis_port = free_port()
        folder = self._folder / "redis"
        folder.mkdir(parents=True)
        options = ["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"]
        await self._children.start(
            "redis",
            [
                str(shutil.which("redis-server")),
                "--port",
                str(self._redis_port),
                "--bind",
                "127.0.0.1",
                "--dir",
                str(folder),
                *options,
            ],
        )
        await self._children.ready("redis", lambda: answers_tcp(self._redis_port))
        await self._children.start_python(
            "peer-tables", ["-m", "benchmarks.peer.tables"], self.environment()
        )
        await self._children.done("peer-tables")
        await self.start_front_door()

    async def start_front_door(self, processes: int = 1) -> None:
        """Uvicorn as it is run in production, one process unless told otherwise."""
        await self._children.stop("peer")
        self.target = Target(free_port())
        await self._children.start_python(
            "peer",
            [
                "-m",
                "uvicorn",
                "benchmarks.peer.app:app",
                "--port",
                str(self.target.port),
                "--loop",
                "uvloop",
                "--http",
                "httptools",
                "--no-access-log",
                "--workers",
                str(processes),
                "--log-level",
                "warning",
            ],
            self.environment(),
        )
        await self._children.ready("peer", lambda: answers_http(self.target.port, "/docs"))

    async def start_worker(self, s3: Mapping[str, str]) -> None:
        """The worker; with an empty mapping it keeps its pictures in memory."""
        await self._children.stop("peer-worker")
        await self._children.start_python(
            "peer-worker", ["-m", "benchmarks.peer.worker"], self.environment(**s3)
        )

    async def stop_worker(self) -> None:
        """End the worker."""
        await self._children.stop("peer-worker")

    async def make_accounts(self, count: int) -> list[str]:
        """Accounts with plenty of credits; returns a token for each."""
        ids = [uuid.uuid4() for _ in range(count)]
        start = time.time_ns()
        connection = await asyncpg.connect(self._url)
        try:
            await connection.copy_records_to_table(
                "accounts",
                records=[(one, start + n, CREDITS_EACH) for n, one in enumerate(ids)],
                columns=["id", "telegram_id", "balance"],
            )
            await connection.execute("VACUUM ANALYZE accounts")
        finally:
            await connection.close()
        expires = int(time.time()) + TOKEN_SECONDS
        return [
            jwt.encode({"sub": str(one), "exp": expires}, self._secret, algorithm="HS256")
            for one in ids
        ]
