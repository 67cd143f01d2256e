"""Resident memory of each process over a long log: once it has read it all, and is idle again."""

from __future__ import annotations

import asyncio

import httpx

from benchmarks import synthetic
from benchmarks.rows.projection import until_taken
from benchmarks.table import Row
from benchmarks.world import World
from events.topics import EVENTS
from runtime.kafka.consumer import end_offsets

ORDINARY_SHARE = 0.79
"""This share of the accounts made one or two generations, the others two: ten events on average,
so a hundred thousand accounts make a log of a million."""

SETTLE_SECONDS = 5.0
FOLD_SECONDS = 300.0
POLL_SECONDS = 0.5
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
    try:
        for process in PROCESSES:
            ready = await world.start(process, local_render="flat")
            if process == "projector":
                await until_taken(world, process, events)
            if process == "decider":
                assert ready is not None
                await _until_folded(ready.port, account_count)
        await asyncio.sleep(SETTLE_SECONDS)
        return [_row(world, process, events, account_count) for process in PROCESSES]
    finally:
        await world.stop(*PROCESSES)


def _row(world: World, process: str, events: int, account_count: int) -> Row:
    row = Row(
        f"memory_{process}",
        f"resident memory, {process}",
        "MB",
        target="≤ 500",
        more_is_better=False,
    )
    resident, peak = world.children.memory_mb(process)
    row.ours.append(resident)
    row.note(f"at most {peak:,.0f} MB; a log of {events:,} events of {account_count:,} accounts")
    return row


async def _until_folded(port: int, account_count: int) -> None:
    """Wait until the decider holds every account, by its own metrics."""
    async with asyncio.timeout(FOLD_SECONDS), httpx.AsyncClient() as client:
        while True:
            text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
            held = sum(
                float(line.rpartition(" ")[2])
                for line in text.splitlines()
                if line.startswith("pixelpop_decider_accounts{")
            )
            if held >= account_count:
                return
            await asyncio.sleep(POLL_SECONDS)
