"""One whole Pixelpop that draws with a stand-in for Replicate, and a worker of its own."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from gateway.providers import fal_keys
from runtime.outbound.addresses import AddressPolicy, networks_in
from runtime.settings import Settings
from tests import servers as test_servers
from tests.fakes.bedrock_rules import TITAN
from tests.fakes.fal import KEY, Fal
from tests.fakes.fal_signing import USER
from tests.fakes.replicate import SECRET, TOKEN, Replicate
from tests.integration.gateway.world import Person, World, running
from tests.integration.providers.claims import OTHER_SECRET, Claims


@pytest_asyncio.fixture(loop_scope="session")
async def api() -> AsyncIterator[Replicate]:
    """A stand-in of this test's own."""
    fake = Replicate()
    await fake.start()
    yield fake
    await fake.stop()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def fal() -> AsyncIterator[Fal]:
    """A stand-in for fal, where the gateway finds the keys that it signs with."""
    fake = Fal()
    await fake.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fal_keys, "ADDRESS", f"{fake.base_url}/.well-known/jwks.json")
        networks = networks_in("127.0.0.1/32", "")
        patch.setattr(fal_keys, "policy", lambda: AddressPolicy(networks))
        yield fake
    await fake.stop()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def world(servers: Settings, template_url: str, fal: Fal) -> AsyncIterator[World]:
    """Gateway, decider and projector over a database of their own."""
    assert servers.database_url is not None
    database = await test_servers.fresh_database(servers.database_url)
    async with running(
        servers,
        database,
        fal_key=KEY,
        fal_user_id=USER,
        # A gateway only offers these; who draws is the worker's to know.
        comfyui_url="http://127.0.0.1:9",
        bedrock_titan_model=TITAN,
        replicate_api_token=TOKEN,
        # Two, as while one replaces the other.
        replicate_webhook_secrets=f"{OTHER_SECRET}, {SECRET}",
    ) as one:
        yield one
    await test_servers.drop_database(servers.database_url, database)


@pytest_asyncio.fixture(loop_scope="session")
async def person(world: World) -> Person:
    """Somebody new, with the welcome credits."""
    return await world.person()


@pytest.fixture
def claims(world: World) -> Claims:
    """The claims of that Pixelpop, and webhooks about them."""
    return Claims(world)


@pytest.fixture
def worker_settings(world: World, api: Replicate) -> Settings:
    """What a worker of that Pixelpop gets."""
    return msgspec.structs.replace(
        world.settings,
        database_url=world.database.urls["worker"],
        worker_group=f"test-{uuid.uuid4().hex}",
        worker_commit_seconds=0.2,
        worker_lease_seconds=3.0,
        kafka_session_timeout_seconds=6.0,
        replicate_api_token=TOKEN,
        replicate_base_url=api.base_url,
        replicate_webhook_secrets=SECRET,
        public_url=world.url,
        provider_allowed_networks="127.0.0.1/32",
    )
