"""The peer's worker: pops a job, draws, stores, updates, publishes.

`python -m benchmarks.peer.worker`. Many jobs at once, bounded by a semaphore; the drawing itself is
the harness's own (`benchmarks.drawing`), the same for both sides.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import aioboto3
import redis.asyncio as redis
import uvloop
from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from benchmarks.drawing import Picture, draw
from benchmarks.peer.models import Generation, make_engine
from benchmarks.peer.settings import QUEUE, Settings, channel

JOBS_AT_ONCE = 50
POP_SECONDS = 1


class Store(Protocol):
    """Where pictures go."""

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Keep one object."""


class InMemory:
    """The stub: pictures are kept in this process, the newest few."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Keep one object."""
        del content_type
        self.objects[key] = data


class S3:
    """An S3 bucket."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Keep one object."""
        await self._client.put_object(
            Bucket=self._bucket, Key=key, Body=data, ContentType=content_type
        )


class Worker:
    """Performs jobs."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], cache: redis.Redis, store: Store
    ) -> None:
        self._sessions, self._cache, self._store = sessions, cache, store

    async def perform(self, payload: bytes | str) -> None:
        """One job from start to publication."""
        job = json.loads(payload)
        picture: Picture = await asyncio.to_thread(draw, job["id"])
        prefix = f"generations/{job['account']}/{job['id']}"
        await asyncio.gather(
            self._store.put(f"{prefix}/0.png", picture.original, "image/png"),
            self._store.put(f"{prefix}/0.webp", picture.preview, "image/webp"),
        )
        async with self._sessions() as db:
            await db.execute(
                update(Generation)
                .where(Generation.id == UUID(job["id"]))
                .values(
                    status="done",
                    object_keys={"images": [f"{prefix}/0.png"]},
                    finished_at=func.now(),
                )
            )
            await db.commit()
        done = {"id": job["id"], "status": "done", "at": datetime.now().isoformat()}  # noqa: DTZ005  the peer is written plainly
        await self._cache.publish(channel(job["account"]), json.dumps(done))


async def run(settings: Settings) -> None:
    """Pop until SIGTERM, then finish what is under way."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    engine = make_engine(settings)
    cache = redis.from_url(settings.redis_url)
    slots = asyncio.Semaphore(JOBS_AT_ONCE)
    async with contextlib.AsyncExitStack() as stack:
        store: Store = InMemory()
        if settings.s3_endpoint_url:
            client = await stack.enter_async_context(
                aioboto3.Session().client(
                    "s3",
                    endpoint_url=settings.s3_endpoint_url,
                    aws_access_key_id=settings.s3_access_key_id,
                    aws_secret_access_key=settings.s3_secret_access_key,
                    region_name="us-east-1",
                )
            )
            store = S3(client, settings.s3_bucket)
        worker = Worker(async_sessionmaker(engine, expire_on_commit=False), cache, store)
        async with asyncio.TaskGroup() as tasks:
            while not stop.is_set():
                await slots.acquire()
                popped = await cache.brpop([QUEUE], timeout=POP_SECONDS)
                if popped is None:
                    slots.release()
                    continue
                task = tasks.create_task(worker.perform(popped[1]))
                task.add_done_callback(lambda _: slots.release())
    await cache.aclose()
    await engine.dispose()


if __name__ == "__main__":
    uvloop.run(run(Settings()))
