"""The process `pixelpop webhooks`, as tests run it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import uuid
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from aiokafka.admin import AIOKafkaAdminClient

from events.topics import EVENTS
from runtime.kafka.connect import client_options
from runtime.kafka.lookup import end_offsets
from runtime.settings import Settings, to_environment
from runtime.waiting import until

START = (
    "import sys; from runtime import process; from processors.webhooks.main import run; "
    "sys.exit(process.run_blocking('webhooks', run))"
)


def new_group() -> str:
    """A consumer group that reads the log from its beginning."""
    return f"test-{uuid.uuid4().hex}"


@contextlib.asynccontextmanager
async def webhooks(
    settings: Settings, database_url: str, **changes: Any
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the process inside; it is killed at the end if it still runs."""
    changes = {"slot": f"w{uuid.uuid4().hex[:8]}", "webhook_group": new_group(), **changes}
    settings = msgspec.structs.replace(
        settings,
        database_url=database_url,
        ready_file=settings.data_dir / "run" / f"{changes['slot']}.ready",
        webhook_allowed_networks="127.0.0.0/8",
        webhook_poll_seconds=0.1,
        worker_commit_seconds=0.2,
        kafka_session_timeout_seconds=6.0,
        **changes,
    )
    assert settings.ready_file is not None
    settings.ready_file.unlink(missing_ok=True)
    environment = {**os.environ, **to_environment(settings)}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", START, env=environment)
    try:

        def is_ready() -> bool:
            assert process.returncode is None, f"the process ended: {process.returncode}"
            assert settings.ready_file is not None
            return settings.ready_file.exists()

        await until(is_ready, 60, what="the senders of webhooks to be ready")
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def caught_up(settings: Settings, group: str) -> None:
    """Wait until the group has acked the whole log as it is now."""
    tps = [(EVENTS, number) for number in range(settings.kafka_partitions)]
    ends = await end_offsets(settings, tps)
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:

        async def reached() -> bool:
            found = await admin.list_consumer_group_offsets(group)
            committed = {tp.partition: one.offset for tp, one in found.items()}
            return all(committed.get(tp.partition, 0) >= end for tp, end in ends.items())

        await until(reached, 60, 0.1, what=f"{group} to reach {ends}")
    finally:
        await admin.close()
