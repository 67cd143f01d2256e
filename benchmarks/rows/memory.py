"""Resident memory of each process over a long log: once it has read it all, and is idle again."""

from __future__ import annotations

import asyncio

from benchmarks import synthetic
from benchmarks.rows.projection import until_taken
from benchmarks.table import Row
from benchmarks.world import World
from events.topics import EVENTS
from runtime.kafka.consumer import end_offsets

ORDINARY_SHARE = 0.8
"""This share of the accounts made one or two generations, the others two: ten events on average,
so a hundred thousand accounts make a log of a million."""

SETTLE_SECONDS = 5.0
PROCESSES = ("decider", "projector", "gateway", "worker")


async def measure(world: World, account_count: int) -> list[Row]:
    """A row per process."""
    producer = world.producer
    partitions = await producer.partitions(EVENTS)
    append = synthetic.appender(producer, partitions)
    ordinary = int(account_count * ORDINARY_SHARE)
    await synthetic.write_log(append, ordinary)
    await synthetic.write_log(append, account_count - ordinary, generations_each=(2, 2), seed=2)
    places = [(EVENTS, number) for number in range(partitions)]
    events = sum((await end_offsets(world.settings, places)).values())
    rows = []
    for process in PROCESSES:
        await world.start(process, local_render="flat")
        if process == "projector":
            await until_taken(world, process, events)
    await asyncio.sleep(SETTLE_SECONDS)
    for process in PROCESSES:
        row = Row(
            f"memory_{process}",
            f"resident memory, {process}",
            "MB",
            "",
            "≤ 500",
            more_is_better=False,
        )
        row.ours.append(world.children.resident_mb(process))
        row.note(f"a log of {events:,} events of {account_count:,} accounts")
        rows.append(row)
    await world.stop(*PROCESSES)
    return rows
