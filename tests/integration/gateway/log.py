"""What the log says of one account."""

from __future__ import annotations

from events.codec import Event
from events.reading import read
from events.recorded import Recorded
from events.topics import EVENTS
from runtime.kafka.consumer import LogLookup, PartitionReader, TopicPartition
from runtime.kafka.partitioner import partition_for
from tests.integration.gateway.world import World


async def records_about(world: World, account_id: str) -> list[Recorded]:
    """All that the log holds about an account, in order, up to its end at this moment."""
    key = account_id.encode()
    where = (EVENTS, partition_for(key, world.settings.kafka_partitions))
    async with LogLookup(world.settings) as lookup:
        end = (await lookup.end_offsets([where]))[TopicPartition(*where)]
    found: list[Recorded] = []
    reader = PartitionReader(world.settings, {where: 0}, name="test")
    await reader.start()
    try:
        while (reader.position(*where) or 0) < end:
            for records in (await reader.get()).values():
                for one in records:
                    if one.key == key and one.offset < end:
                        recorded = read(one.key, one.value, one.headers, one.timestamp)
                        assert isinstance(recorded, Recorded)
                        found.append(recorded)
    finally:
        await reader.stop()
    return found


async def events_about(world: World, account_id: str) -> list[Event]:
    """All events about an account, in order."""
    return [one.event for one in await records_about(world, account_id)]


async def kinds_about(world: World, account_id: str) -> list[str]:
    """The names of these events."""
    return [type(event).__name__ for event in await events_about(world, account_id)]
