"""Decisions per second in one decider process, beside the same loop without a domain.

Ours: the log holds accounts with credits and a stretch of undecided requests; a decider starts,
catches up, and admits them all: fold, decide, chain, append with ack, read back, and a job each.
The rate is taken from the broker's own append times of the first and the last decision. Nothing
else runs, as in the raw loop.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import uuid

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from benchmarks import accounts
from benchmarks.children import ChildFailed
from benchmarks.measuring import Figures, interleave
from benchmarks.raw.decider import QUESTION
from benchmarks.table import Row
from benchmarks.world import World
from events.topics import EVENTS
from runtime.kafka.connect import client_options
from runtime.kafka.consumer import end_offsets
from runtime.kafka.records import Outgoing
from runtime.kafka.topics import TopicSpec, ensure_topics

DECIDED = b"pixelpop.CreditsReserved.v1"
QUESTION_BYTES = 700
"""A `GenerationRequested` with its headers, as measured."""

WAIT_SECONDS = 300.0
POLL_SECONDS = 0.1


def make_row() -> Row:
    """The empty row."""
    return Row(
        "decisions",
        "decisions in one process",
        "per second",
        raw_is="the same loop (read, append with ack, read back) without fold, decision or chain",
        target="≥ 30,000",
    )


class Decisions:
    """Measures both sides on one Kafka."""

    def __init__(self, world: World, account_count: int) -> None:
        self._world = world
        self._count = account_count
        self._runs = 0
        self.cpu_us: list[float] = []
        """Processor time of the decider per decision, its start and catching up included."""

    async def ours(self) -> Figures:
        """Admit `GENERATIONS_EACH` requests of new accounts."""
        world = self._world
        made = await accounts.make_accounts(
            world.settings, world.owner_url, world.producer, self._count
        )
        end = await _end(world)
        await world.start("decider", wait=False)
        await _until_end(world, end + self._count)
        await world.stop("decider")
        asked = list(accounts.request_records(made, accounts.GENERATIONS_EACH))
        count = await accounts.append_all(world.producer, asked)
        starts = await end_offsets(world.settings, await _partitions(world))
        await world.start("decider", wait=False)
        await _until_end(world, sum(starts.values()) + count)
        self.cpu_us.append(1e6 * world.children.cpu_seconds("decider") / count)
        # Nobody works on these jobs here; open, they would be put again at each later start.
        end = await _end(world)
        await accounts.append_all(world.producer, map(accounts.cancelled, asked))
        await _until_end(world, end + 2 * count)
        await world.stop("decider")
        first, last, found = await _decision_times(world, {k[1]: v for k, v in starts.items()})
        if found < count:
            raise ChildFailed(f"{found} of {count} requests were admitted")
        return {"decisions": found / max(0.001, (last - first) / 1000)}

    async def raw(self) -> Figures:
        """As many questions of the same size, answered by the bare loop."""
        world = self._world
        self._runs += 1
        topic = f"raw-decider-{self._runs}"
        await ensure_topics(world.settings, [TopicSpec(name=topic, retention_ms=3_600_000)])
        value = QUESTION + b"x" * (QUESTION_BYTES - 1)
        count = self._count * accounts.GENERATIONS_EACH
        questions = (Outgoing(str(uuid.uuid4()).encode(), value) for _ in range(count))
        await accounts.append_all(world.producer, questions, topic)
        return {"decisions": await run_raw("benchmarks.raw.decider", world, topic, "decisions")}


async def _partitions(world: World) -> list[tuple[str, int]]:
    return [(EVENTS, number) for number in range(await world.producer.partitions(EVENTS))]


async def _end(world: World) -> int:
    return sum((await end_offsets(world.settings, await _partitions(world))).values())


async def _until_end(world: World, wanted: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while await _end(world) < wanted:
        if not world.children.running("decider"):
            raise ChildFailed(f"the decider ended: {world.children.tail('decider')}")
        if time.monotonic() > deadline:
            raise ChildFailed(f"the log stands at {await _end(world)} of {wanted} records")
        await asyncio.sleep(POLL_SECONDS)


async def _decision_times(world: World, starts: dict[int, int]) -> tuple[int, int, int]:
    """First and last append time of the admissions from `starts` on, and their number."""
    places = {TopicPartition(EVENTS, number): at for number, at in starts.items()}
    consumer = AIOKafkaConsumer(
        **client_options(world.settings, role="bench"), enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign(list(places))
        ends = await consumer.end_offsets(list(places))
        for place, at in places.items():
            consumer.seek(place, at)
        left = sum(ends[place] - at for place, at in places.items())
        times: list[int] = []
        while left > 0:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                left -= len(records)
                times += [one.timestamp for one in records if _is_decision(one.headers)]
        return min(times, default=0), max(times, default=0), len(times)
    finally:
        await consumer.stop()


def _is_decision(headers: tuple[tuple[str, bytes], ...]) -> bool:
    return any(name == "ce_type" and value == DECIDED for name, value in headers)


async def run_raw(module: str, world: World, topic: str, figure: str, **more: str) -> float:
    """Run a raw loop in a process of its own; returns its rate."""
    environment = {
        **os.environ,
        "RAW_KAFKA": str(world.settings.kafka_bootstrap_servers),
        "RAW_TOPIC": topic,
        "RAW_PARTITIONS": str(world.settings.kafka_partitions),
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(WAIT_SECONDS):
        output, errors = await process.communicate()
    line = next((one for one in reversed(output.splitlines()) if one.startswith(b"{")), b"")
    if not line:
        raise ChildFailed(f"{module}: {(output + errors).decode(errors='replace')[-600:]}")
    said = json.loads(line)
    return float(said[figure] / said["seconds"])


async def measure(world: World, repeats: int, account_count: int) -> list[Row]:
    """The row."""
    row = make_row()
    sides = Decisions(world, account_count)
    await interleave([row], repeats, ours=sides.ours, raw=sides.raw)
    if sides.cpu_us:
        cpu_us = min(sides.cpu_us)
        row.note(
            f"processor time per decision, start, catching up and jobs included: {cpu_us:.0f} µs"
        )
    row.note(f"{account_count * accounts.GENERATIONS_EACH:,} requests a run; ours puts jobs too")
    return [row]
