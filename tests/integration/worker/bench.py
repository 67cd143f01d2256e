"""A worker's tools on real servers, with a provider that does what the test says; no Faust.

Connections cost more than what is done by them, so benches with the same settings share them
(`shared`). To the claims each is a worker of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

from msgspec.structs import replace
from PIL import Image

from events.jobs import Job, encode_job
from processors.providers import Call, ImageRequest, ProviderUncertain, ProviderUnusable
from processors.worker.claims import Claims
from processors.worker.gates import Gates
from processors.worker.jobs import Jobs
from processors.worker.leases import Leases
from processors.worker.live import Live
from processors.worker.main import KEY_TTL_SECONDS, opened
from processors.worker.tools import Tools
from processors.worker.work import Delivery, work_of
from runtime.crypto.keys import AccountKeys
from runtime.crypto.master import master_keys
from runtime.objects import MemoryObjects
from runtime.postgres.account_keys import wrapped_key_loader
from runtime.settings import Settings


def picture(shade: int = 0) -> bytes:
    """A small PNG."""
    out = BytesIO()
    Image.new("RGB", (64, 48), (shade, 80, 160)).save(out, "PNG")
    return out.getvalue()


class Scripted:
    """A provider that plays one act per call; the last act is played again and again."""

    name = "local"
    timeout_seconds = 5.0
    kinds = frozenset({"image", "edit", "variation"})

    def __init__(self, *acts: Any, free: bool = False) -> None:
        self.free = free
        self.acts = list(acts) or [[picture()]]
        self.calls: list[int] = []
        """The attempt of every call."""
        self.resumed: list[str] = []
        self.requests: list[ImageRequest] = []

    async def generate(self, request: ImageRequest, call: Call) -> list[bytes]:
        self.calls.append(call.attempt)
        self.requests.append(request)
        act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        if isinstance(act, Exception):
            raise act
        if callable(act):
            return await act(request, call)
        return act

    async def resume(self, _: ImageRequest, __: Call, provider_ref: str) -> list[bytes]:
        self.resumed.append(provider_ref)
        if provider_ref == "forgotten":
            raise ProviderUncertain("never heard of it")
        if provider_ref == "useless":
            raise ProviderUnusable("noise")
        return [picture(9)]

    async def close(self) -> None:
        """Nothing to close."""


class Bench:
    """One worker without Faust: deliveries are performed directly."""

    def __init__(self, tools: Tools, provider: Scripted) -> None:
        self.objects = MemoryObjects()
        self.provider = provider
        self.tools = replace(
            tools, objects=self.objects, providers={"local": provider, "openai": provider}
        )
        self.jobs = Jobs(self.tools)

    async def perform(self, job: Job) -> None:
        """Deliver a job and wait until it might be acked."""
        delivery = delivered(job)
        await self.jobs.perform(work_of(delivery), delivery)


def delivered(job: Job, offset: int = 0) -> Delivery:
    """A delivery of a job."""
    return Delivery(
        topic="pixelpop.jobs.v1",
        partition=0,
        offset=offset,
        assignment=1,
        appended_at_ms=0,
        key=job.generation_id.encode(),
        value=encode_job(job),
        headers=(("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),),
        ack=lambda: None,
    )


_SHARED: dict[Settings, Tools] = {}


@contextlib.asynccontextmanager
async def shared(settings: Settings) -> AsyncIterator[None]:
    """Open a worker's connections for all benches inside that have these settings."""
    async with opened(settings, uuid.uuid4()) as tools:
        _SHARED[_known_by(settings)] = tools
        try:
            yield
        finally:
            del _SHARED[_known_by(settings)]


def _known_by(settings: Settings) -> Settings:
    return replace(settings, worker_group="any")  # benches read no topic


@contextlib.asynccontextmanager
async def a_worker(settings: Settings) -> AsyncIterator[Tools]:
    """A worker's tools: a holder of claims that no other is, with its own leases and gates."""
    tools = _SHARED.get(_known_by(settings))
    if tools is None:
        async with opened(settings, uuid.uuid4()) as opened_tools:
            yield opened_tools
        return
    claims = Claims(
        tools.claims._pool, holder=uuid.uuid4(), lease_seconds=settings.worker_lease_seconds
    )
    leases = Leases(claims, lease_seconds=settings.worker_lease_seconds)
    keys = AccountKeys(
        wrapped_key_loader(tools.claims._pool), master_keys(settings), ttl_seconds=KEY_TTL_SECONDS
    )
    leases.start()
    try:
        yield replace(
            tools,
            claims=claims,
            leases=leases,
            keys=keys,
            live=Live(tools.producer, keys, tools.executor),
            gates=Gates(),
        )
    finally:
        await leases.stop()


@contextlib.asynccontextmanager
async def bench(settings: Settings, *acts: Any, free: bool = False) -> AsyncIterator[Bench]:
    """Open a bench whose provider plays these acts."""
    async with a_worker(settings) as tools:
        yield Bench(tools, Scripted(*acts, free=free))


async def forever(*_: Any) -> list[bytes]:
    """An act that never ends."""
    await asyncio.Event().wait()
    return []
