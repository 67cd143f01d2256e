"""Wires the decider process: `pixelpop decider`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import structlog

from commands.policy import DEFAULT, Policy
from events.topics import EVENTS, LIVE
from processors.decider.dispatch import Dispatcher
from processors.decider.host import Host
from processors.decider.log import Log
from runtime import process
from runtime.kafka.clock import BrokerClock
from runtime.kafka.consumer import GroupReader, TopicPartition
from runtime.kafka.lookup import LogLookup
from runtime.kafka.producer import LogProducer
from runtime.objects import ObjectStore, open_objects
from runtime.settings import Settings
from runtime.telemetry import metrics as telemetry

_log = structlog.get_logger(__name__)

GROUP = "pixelpop-decider"
RECORDS_PER_TURN = 5_000
"""How many records are folded before deciding gets its turn."""
TURN_SECONDS_MIN = 0.003
"""From one turn to the next; so at most so much later is anything decided."""
IDLE_SECONDS_MAX = 0.25
"""How long an idle decider waits for records before it looks at its timers again."""


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Decide until `stop` is set; then hand the partitions back and leave snapshots."""
    door = telemetry.serve(settings.host, settings.metrics_port)
    try:
        async with open_objects(settings) as objects:
            process.ready(settings, door.port)
            await run(settings, stop, objects=objects)
    finally:
        door.stop()


async def run(
    settings: Settings, stop: asyncio.Event, *, objects: ObjectStore, policy: Policy = DEFAULT
) -> None:
    """`main` with the object store and the house rules handed in."""
    clock = BrokerClock()
    producer = LogProducer(settings, clock=clock, role=f"decider-{settings.slot}")
    await producer.start()
    try:
        await clock.prime(producer, LIVE)
        await producer.partitions(EVENTS)
        async with LogLookup(settings) as lookup:
            log = Log(lookup)
            dispatcher = Dispatcher(producer, log)
            host = Host(
                settings,
                log=log,
                producer=producer,
                dispatcher=dispatcher,
                objects=objects,
                clock=clock,
                policy=policy,
            )
            async with asyncio.TaskGroup() as tasks:
                helpers = [
                    tasks.create_task(dispatcher.run()),
                    tasks.create_task(clock.keep(producer, LIVE)),
                ]
                await _read_and_decide(settings, stop, host, dispatcher, clock)
                for helper in helpers:
                    helper.cancel()
    finally:
        await producer.stop()


async def _read_and_decide(
    settings: Settings,
    stop: asyncio.Event,
    host: Host,
    dispatcher: Dispatcher,
    clock: BrokerClock,
) -> None:
    async def assigned(partitions: frozenset[TopicPartition]) -> Mapping[TopicPartition, int]:
        starts = await host.assigned(sorted(tp.partition for tp in partitions))
        return {TopicPartition(EVENTS, number): at for number, at in starts.items()}

    async def revoked(partitions: frozenset[TopicPartition]) -> None:
        await host.revoked(sorted(tp.partition for tp in partitions))

    reader = GroupReader(
        settings,
        GROUP,
        [EVENTS],
        on_assigned=assigned,
        on_revoked=revoked,
        group_instance_id=f"{GROUP}-{settings.slot}",
        name=f"decider-{settings.slot}",
        fetch_max_wait_ms=50,
    )
    await reader.start()
    try:
        busy = False
        began = 0.0
        while not stop.is_set():
            wait = 0.0 if busy else _idle_seconds(host, clock)
            batch = await reader.get(RECORDS_PER_TURN, wait)
            for tp, records in batch.items():
                host.fold(tp.partition, records)
            busy = host.decide()
            # Let appends and acks run, however full the queue is; and when there is much to do,
            # let it gather, because the broker's work is by the batch.
            await asyncio.sleep(max(0.0, TURN_SECONDS_MIN - (time.monotonic() - began)))
            began = time.monotonic()
            await dispatcher.room()
        await host.close()
        async with asyncio.timeout(settings.kafka_append_timeout_seconds):
            await dispatcher.drained()
    except TimeoutError:
        _log.warning("jobs were left for the next decider to dispatch")
    finally:
        await reader.stop()


def _idle_seconds(host: Host, clock: BrokerClock) -> float:
    due_ms = host.next_due_ms()
    if due_ms is None:
        return IDLE_SECONDS_MAX
    return min(IDLE_SECONDS_MAX, max(0.0, (due_ms - clock.now_ms()) / 1000))
