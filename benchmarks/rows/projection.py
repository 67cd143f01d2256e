"""How fast one projector turns the log into rows, beside asyncpg writing such rows and no more.

The log is synthetic (`benchmarks.synthetic`): whole histories, decided by the project's own code.
Each run fills an empty database from the beginning of the log.
"""

from __future__ import annotations

import asyncio
import time

import asyncpg

from benchmarks import synthetic
from benchmarks.children import ChildFailed
from benchmarks.measuring import Figures, interleave
from benchmarks.raw import projection as raw_projection
from benchmarks.table import Row
from benchmarks.world import World
from events.topics import EVENTS
from runtime.kafka.consumer import end_offsets

POLL_SECONDS = 0.05
WAIT_SECONDS = 180.0
ROWS_MAX = 200_000


def make_row() -> Row:
    """The empty row."""
    return Row(
        "projection",
        "projection rebuild, one process",
        "events per second",
        raw_is="asyncpg: `unnest` upserts of one row per event, no log, no fold",
        target="≥ 40,000",
    )


class Projection:
    """Both sides on one log."""

    def __init__(self, world: World, account_count: int) -> None:
        self._world = world
        self._count = account_count
        self._events = 0
        self.cpu_seconds: list[float] = []
        self.copied: list[float] = []

    async def write_log(self) -> int:
        """Make the log; returns how many events it has."""
        producer = self._world.producer
        append = synthetic.appender(producer, await producer.partitions(EVENTS))
        await synthetic.write_log(append, self._count)
        places = [(EVENTS, number) for number in range(await producer.partitions(EVENTS))]
        self._events = sum((await end_offsets(self._world.settings, places)).values())
        return self._events

    async def ours(self) -> Figures:
        """`pixelpop projections rebuild` fills an empty database."""
        world = self._world
        await world.new_database()
        await world.start("projections", "rebuild", "--without-comparison", wait=False)
        started = await until_taken(world, "projections", 0)
        ended = await until_taken(world, "projections", self._events)
        self.cpu_seconds.append(world.children.cpu_seconds("projections"))
        await world.stop("projections")
        return {"projection": self._events / (ended - started)}

    async def raw(self) -> Figures:
        """As many rows as there are events, written and nothing else."""
        count = min(self._events, ROWS_MAX)
        rows = raw_projection.make_rows(count)
        figures = await raw_projection.run(self._world.owner_url, rows)
        self.copied.append(figures["copy"])
        return {"projection": figures["upsert"]}


async def until_taken(world: World, process: str, events: int) -> float:
    """Wait until the first read schema has taken so many; the instant at which it was seen."""
    connection = await asyncpg.connect(world.owner_url)
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            done = None
            if await connection.fetchval("SELECT to_regclass('read_v1.projection_offsets')"):
                done = await connection.fetchval(
                    "SELECT sum(next_offset)::bigint FROM read_v1.projection_offsets"
                )
            if done is not None and done >= events:
                return time.perf_counter()
            if not world.children.running(process):
                raise ChildFailed(f"{process} ended: {world.children.tail(process)}")
            if time.monotonic() > deadline:
                raise ChildFailed(f"{process} has taken {done} of {events} events")
            await asyncio.sleep(POLL_SECONDS)
    finally:
        await connection.close()


async def measure(world: World, repeats: int, account_count: int) -> list[Row]:
    """The row."""
    row = make_row()
    sides = Projection(world, account_count)
    events = await sides.write_log()
    await interleave([row], repeats, ours=sides.ours, raw=sides.raw)
    if sides.cpu_seconds:
        rate = events / min(sides.cpu_seconds)
        row.note(f"{events:,} events; per second of the process's own processor time: {rate:,.0f}")
    if sides.copied:
        row.note(f"COPY instead of upserts: {max(sides.copied):,.0f} rows per second")
    return [row]
