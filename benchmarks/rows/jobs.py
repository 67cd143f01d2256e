"""Jobs per second in one worker, beside a bare Faust agent that only sends each record on.

A job is all of design §4: claim, unseal, call, store, report, ack. The store is the worker's memory
and the provider takes no time; the preview is really made, and is most of the work. As all jobs
come at once, most pictures get the small preview alone (`processors/worker/crowd.py`).
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from benchmarks import accounts
from benchmarks.children import ChildFailed
from benchmarks.drawing import draw
from benchmarks.measuring import Figures, interleave
from benchmarks.rows.decisions import run_raw
from benchmarks.table import Row
from benchmarks.world import World
from events.envelope import header
from events.ids import derive
from events.jobs import GenerateJob, encode_job
from events.topics import EVENTS, JOBS
from processors.images import Previews, prepare_now
from runtime.kafka.connect import client_options
from runtime.kafka.consumer import end_offsets
from runtime.kafka.records import Outgoing
from runtime.kafka.topics import TopicSpec, ensure_topics

DEADLINE_MS = 600_000
WAIT_SECONDS = 240.0
POLL_SECONDS = 0.1
COMPLETED = "pixelpop.GenerationCompleted.v1"
RAW_JOBS = 10_000
PREVIEWS = 40


def make_row() -> Row:
    """The empty row."""
    return Row(
        "jobs",
        "worker jobs, one process",
        "per second",
        raw_is="a bare Faust agent: take, send on, ack; no claim, no picture",
    )


class WorkerJobs:
    """Both sides on one Kafka."""

    def __init__(self, world: World, count: int) -> None:
        self._world = world
        self._count = count
        self._runs = 0
        self.cpu_seconds: list[float] = []

    async def ours(self) -> Figures:
        """A worker performs `count` jobs that wait for it."""
        world = self._world
        needed = -(-self._count // accounts.GENERATIONS_EACH)
        made = await accounts.make_accounts(world.settings, world.owner_url, world.producer, needed)
        places = [(EVENTS, n) for n in range(await world.producer.partitions(EVENTS))]
        starts = await end_offsets(world.settings, places)
        await accounts.append_all(world.producer, self._jobs(made), JOBS)
        await world.start("worker", objects="memory", local_render="flat")
        times = await self._completions({place.partition: at for place, at in starts.items()})
        self.cpu_seconds.append(world.children.cpu_seconds("worker"))
        await world.stop("worker")
        return {"jobs": (len(times) - 1) / max(0.001, (max(times) - min(times)) / 1000)}

    async def raw(self) -> Figures:
        """The bare hop."""
        world = self._world
        self._runs += 1
        topic, out = f"raw-jobs-{self._runs}", f"raw-done-{self._runs}"
        specs = [TopicSpec(name=name, retention_ms=3_600_000) for name in (topic, out)]
        await ensure_topics(world.settings, specs)
        value = b"x" * 900
        records = (Outgoing(str(uuid.uuid4()).encode(), value) for _ in range(RAW_JOBS))
        await accounts.append_all(world.producer, records, topic)
        rate = await run_raw(
            "benchmarks.raw.faust_hop",
            world,
            topic,
            "jobs",
            RAW_OUT=out,
            RAW_COUNT=str(RAW_JOBS),
            RAW_ID=f"raw-hop-{self._runs}",
        )
        return {"jobs": rate}

    def _jobs(self, made: list[accounts.LoadAccount]) -> list[Outgoing]:
        seeds = random.Random(2)
        jobs = []
        for number in range(self._count):
            event, _ = accounts.requested(made[number % len(made)], seeds)
            job = GenerateJob(
                account_id=event.account_id,
                generation_id=event.generation_id,
                deadline_ms=time.time_ns() // 1_000_000 + DEADLINE_MS,
                request=event,
            )
            headers = (
                ("ce_id", derive("job", event.generation_id, "bench").encode()),
                ("ce_type", b"pixelpop.job.Generate.v1"),
                ("correlationid", event.generation_id.encode()),
            )
            jobs.append(Outgoing(event.generation_id.encode(), encode_job(job), headers))
        return jobs

    async def _completions(self, starts: dict[int, int]) -> list[int]:
        """The append times of the results, once all are there."""
        places = [TopicPartition(EVENTS, number) for number in starts]
        consumer = AIOKafkaConsumer(
            **client_options(self._world.settings, role="bench"), enable_auto_commit=False
        )
        await consumer.start()
        try:
            consumer.assign(places)
            for place in places:
                consumer.seek(place, starts[place.partition])
            times: list[int] = []
            deadline = time.monotonic() + WAIT_SECONDS
            while len(times) < self._count:
                if not self._world.children.running("worker"):
                    raise ChildFailed(f"the worker ended: {self._world.children.tail('worker')}")
                if time.monotonic() > deadline:
                    raise ChildFailed(f"{len(times)} of {self._count} jobs were done in time")
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    times += [
                        one.timestamp
                        for one in records
                        if header(one.headers, "ce_type") == COMPLETED
                    ]
            return times
        finally:
            await consumer.stop()
            await asyncio.sleep(0)


def preview_ms(previews: Previews) -> float:
    """Processor time of the image work of one job."""
    pictures = [draw(str(number)).original for number in range(PREVIEWS)]
    started = time.process_time()
    for one in pictures:
        prepare_now(one, previews=previews)
    return 1000 * (time.process_time() - started) / PREVIEWS


async def measure(world: World, repeats: int, count: int) -> list[Row]:
    """The row."""
    row = make_row()
    sides = WorkerJobs(world, count)
    await interleave([row], repeats, ours=sides.ours, raw=sides.raw)
    row.note(
        f"of which checking a picture and making its small preview: {preview_ms('small'):.1f} ms; "
        f"with all that it gets while nobody waits: {preview_ms('all'):.1f} ms"
    )
    if sides.cpu_seconds:
        each_ms = 1000 * min(sides.cpu_seconds) / count
        row.note(f"{count:,} jobs a run; {each_ms:.1f} ms of processor time each, start included")
    return [row]
