"""The double, a client of it, and an endpoint that its webhooks reach."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web

from tests.fakes.stripe import API_KEY, Stripe
from tests.unit.fakes.stripe.calls import Shop


@pytest.fixture
async def stripe() -> AsyncIterator[Stripe]:
    async with Stripe() as one:
        one.clock.stop()
        yield one


@pytest.fixture
async def client(stripe: Stripe) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {API_KEY}"}
    async with httpx.AsyncClient(base_url=stripe.base_url, headers=headers, timeout=10) as one:
        yield one


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    one = Shop()
    app = web.Application()
    app.router.add_post("/stripe", one.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/stripe"
    yield one
    await runner.cleanup()
