"""Processes of Pixelpop as tests run them one by one, and how far a consumer group has read."""

from __future__ import annotations

import asyncio
import contextlib
import os
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
from tests.integration.forking import Forked, fork

READY_SECONDS = 60.0


@contextlib.asynccontextmanager
async def running(
    name: str, module: str, settings: Settings, *, wait: bool = True, **changes: Any
) -> AsyncIterator[Forked]:
    """Run a process that Faust drives inside; it is killed at the end if it still runs.

    Args:
        name: what the process is called.
        module: where its `run` is.
        settings: what it is to run with.
        wait: whether to wait until it is ready.
        changes: other values of settings.
    """
    ready_file = settings.data_dir / "run" / f"{name}-{uuid.uuid4().hex}.ready"
    settings = msgspec.structs.replace(settings, ready_file=ready_file, **changes)
    process = await asyncio.to_thread(
        fork, name, module, {**os.environ, **to_environment(settings)}
    )
    try:
        if wait:

            def is_ready() -> bool:
                assert process.returncode is None, f"{name} ended: {process.returncode}"
                return ready_file.exists()

            await until(is_ready, READY_SECONDS, what=f"{name} to be ready")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def new_group() -> str:
    """A consumer group that reads the log from its beginning."""
    return f"test-{uuid.uuid4().hex}"


async def committed(settings: Settings, group: str, topic: str) -> dict[int, int]:
    """A group's cursor by partition."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(group)
        return {tp.partition: one.offset for tp, one in offsets.items() if tp.topic == topic}
    finally:
        await admin.close()


async def caught_up(
    settings: Settings, group: str, topic: str = EVENTS, timeout_seconds: float = 60.0
) -> None:
    """Wait until the group has acked the whole topic as it is now."""
    tps = [(topic, number) for number in range(settings.kafka_partitions)]
    ends = await end_offsets(settings, tps)

    async def reached() -> bool:
        cursor = await committed(settings, group, topic)
        return all(cursor.get(tp.partition, 0) >= end for tp, end in ends.items())

    await until(reached, timeout_seconds, 0.1, what=f"{group} to reach {ends}")
