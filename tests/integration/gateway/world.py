"""A whole Pixelpop in one process, without a worker: what a worker would append is appended here.

Gateway, decider and projector are the real ones, over the session's servers and a database of
their own; requests go through Granian and a real socket.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec

from events.codec import Event, encode
from events.envelope import headers_for
from events.generations import (
    GenerationCompleted,
    GenerationFailed,
    GenerationStarted,
    Image,
    Preview,
)
from events.ids import GenerationId, fact_id, image_id
from events.topics import EVENTS
from gateway import main as gateway
from gateway.identity.init_data import sign_init_data
from processors.decider import main as decider
from projections import main as projector
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing, Position
from runtime.objects import open_objects
from runtime.ports import free_port
from runtime.settings import Settings, to_environment
from runtime.waiting import until
from tests.integration.gateway.person import Person
from tests.servers import Database

CLIENT_SECONDS = httpx.Timeout(60, pool=120)
"""A thousand requests at once wait for connections, on a slow machine for long."""
PIXEL = b"not really a picture"
ADMIN = 777_000
"""The Telegram id that the settings make an admin of."""
_people = itertools.count(1_000_000)


class World:
    """The running processes' door, and hands to act as Telegram and as a worker."""

    def __init__(self, settings: Settings, port: int, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.AsyncClient(base_url=self.url, timeout=CLIENT_SECONDS)
        self.clock = BrokerClock()
        self.producer = LogProducer(settings, clock=self.clock, role="test")
        self.objects: Any = None

    def init_data(self, telegram_id: int, *, age_seconds: int = 0, **user: Any) -> str:
        """As Telegram would hand it to the MiniApp."""
        assert self.settings.telegram_bot_token
        person = {"id": telegram_id, "first_name": "Ada", "language_code": "en", **user}
        return sign_init_data(
            self.settings.telegram_bot_token, person, int(time.time()) - age_seconds
        )

    async def person(self, *, telegram_id: int | None = None) -> Person:
        """Sign somebody in; somebody new, and welcomed, unless an id is given."""
        new = telegram_id is None
        telegram_id = telegram_id or next(_people)
        answer = await self.client.post(
            "/auth/login", json={"init_data": self.init_data(telegram_id)}
        )
        assert answer.status_code == 200, answer.text
        person = Person(self.client, telegram_id, answer.json())
        if new and self.settings.welcome_credits:
            await until(lambda: _welcomed(person), 60, what="the welcome credits")
        return person

    async def append(self, event: Event, event_id: str) -> Position:
        """Append a fact as another process would."""
        now_ms = self.clock.now_ms()
        about = getattr(event, "generation_id", event.account_id)
        headers = headers_for(
            event, event_id, source="/pixelpop/test", time_ms=now_ms, correlation_id=about
        )
        outgoing = Outgoing(event.account_id.encode(), encode(event), headers)
        return await self.producer.append(EVENTS, outgoing)

    async def destroy_key(self, person: Person) -> None:
        """As the eraser does after `AccountErased`."""
        connection = await asyncpg.connect(self.database.owner_url)
        try:
            await connection.execute(
                "DELETE FROM identities WHERE account_id = $1", UUID(person.account_id)
            )
        finally:
            await connection.close()

    async def start(self, person: Person, generation: str) -> Position:
        """As a worker that begins."""
        event = GenerationStarted(
            account_id=person.account_id,
            occurred_at_ms=self.clock.now_ms(),
            generation_id=GenerationId(generation),
            attempt=1,
            provider="local",
        )
        return await self.append(event, fact_id(generation, "started:1"))

    async def complete(self, person: Person, generation: str, count: int = 1) -> Position:
        """As a worker that has stored its pictures."""
        images = []
        for index in range(count):
            stem = f"generations/{person.account_id}/{generation}/{index}"
            await self.objects.put_if_absent(f"{stem}.png", PIXEL, "image/png")
            await self.objects.put_if_absent(f"{stem}.webp", PIXEL, "image/webp")
            images.append(
                Image(
                    image_id=image_id(GenerationId(generation), index),
                    index=index,
                    object_key=f"{stem}.png",
                    preview_key=f"{stem}.webp",
                    width=1024,
                    height=1024,
                    content_type="image/png",
                    size_bytes=len(PIXEL),
                    sha256="0" * 64,
                    previews=(
                        Preview(
                            object_key=f"{stem}.avif",
                            content_type="image/avif",
                            width=512,
                            height=512,
                        ),
                    ),
                    blurhash="LTC*XgNaD%%L?^R*IUxuDjWBbHoL",
                    near_hash="0f0f4f7fe7a3a21e",
                )
            )
        event = GenerationCompleted(
            account_id=person.account_id,
            occurred_at_ms=self.clock.now_ms(),
            generation_id=GenerationId(generation),
            images=tuple(images),
            provider="local",
            model="preview",
        )
        return await self.append(event, fact_id(generation, "completed"))

    async def fail(self, person: Person, generation: str) -> Position:
        """As a worker whose provider refused."""
        event = GenerationFailed(
            account_id=person.account_id,
            occurred_at_ms=self.clock.now_ms(),
            generation_id=GenerationId(generation),
            reason="provider_refused",
            detail="The image provider refused this prompt.",
        )
        return await self.append(event, fact_id(generation, "failed"))


@asynccontextmanager
async def running(servers: Settings, database: Database, **changes: Any) -> AsyncIterator[World]:
    """Start decider, projector and gateway; stop them in reverse order."""
    port = free_port()
    tasks: list[asyncio.Task[None]] = []
    async with AsyncExitStack() as stack:

        async def run(name: str, main: Any, **more: Any) -> None:
            stop = asyncio.Event()
            settings = msgspec.structs.replace(
                servers, database_url=database.urls[name], slot=f"world-{port}", **more
            )
            task = asyncio.create_task(main(settings, stop), name=name)
            tasks.append(task)

            async def ended() -> None:
                stop.set()
                await task

            stack.push_async_callback(ended)

        await run("decider", decider.main)
        await run("projector", projector.main)
        await run("gateway", gateway.main, port=port, **changes)
        world = World(servers, port, database)
        stack.push_async_callback(world.client.aclose)
        world.objects = await stack.enter_async_context(open_objects(servers))
        await world.producer.start()
        stack.push_async_callback(world.producer.stop)
        await world.clock.prime(world.producer, "pixelpop.live.v1")
        await until(lambda: _ready(world, tasks), 30, what="the gateway to be ready")
        yield world


async def _ready(world: World, tasks: list[asyncio.Task[None]]) -> bool:
    for task in tasks:
        if task.done():
            task.result()
    try:
        return (await world.client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def _welcomed(person: Person) -> bool:
    """Whether its credits came: a decider's group first waits for members that died silently."""
    return bool((await person.get("/credits")).json()["available"])


@asynccontextmanager
async def gateway_process(world: World) -> AsyncIterator[str]:
    """One more gateway in a process of its own, as in production; its address."""
    settings = msgspec.structs.replace(
        world.settings,
        database_url=world.database.urls["gateway"],
        port=free_port(),
        slot="of-its-own",
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pixelpop", "gateway"),
        env={**os.environ, **to_environment(settings)},
    )
    url = f"http://127.0.0.1:{settings.port}"
    try:

        async def answers() -> bool:
            assert process.returncode is None, "it ended"
            try:
                return (await world.client.get(f"{url}/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await until(answers, 60, what="the gateway of its own to be ready")
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def another_gateway(world: World, **changes: Any) -> AsyncIterator[Gateway]:
    """One more gateway with other settings over the same servers."""
    settings = msgspec.structs.replace(
        world.settings,
        database_url=world.database.urls["gateway"],
        port=free_port(),
        slot="another",
        **changes,
    )
    stop = asyncio.Event()
    task = asyncio.create_task(gateway.main(settings, stop))
    one = Gateway(settings.port, stop, task)
    try:

        async def answers() -> bool:
            if task.done():
                task.result()
            try:
                return (await one.client.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await until(answers, 30, what="the other gateway to be ready")
        yield one
    finally:
        stop.set()
        await one.client.aclose()
        await task


class Gateway:
    """A running gateway, and how to stop it."""

    def __init__(self, port: int, stop: asyncio.Event, task: asyncio.Task[None]) -> None:
        self.port = port
        self.stop = stop
        self.task = task
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=CLIENT_SECONDS)
