"""A desk that plays decider and customer, and settings of a quick worker."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest
import pytest_asyncio

from runtime.settings import Settings
from tests.integration.worker.desk import Desk


@pytest.fixture
def group() -> str:
    """A consumer group that no other test uses: a static member outlives its process a while."""
    return f"test-{uuid.uuid4().hex}"


@pytest_asyncio.fixture(loop_scope="session")
async def desk(settings: Settings, group: str) -> AsyncIterator[Desk]:
    """Reads the log from now on; its database is this test's own."""
    settings = msgspec.structs.replace(settings, worker_group=group)
    async with Desk(settings) as opened:
        yield opened


@pytest.fixture
def worker_settings(settings_for: Callable[[str], Settings], group: str) -> Settings:
    """What a worker process of this test gets."""
    return msgspec.structs.replace(
        settings_for("worker"),
        worker_group=group,
        local_latency_seconds=0.0,
        worker_commit_seconds=0.2,
        worker_lease_seconds=3.0,
        kafka_session_timeout_seconds=6.0,
    )
