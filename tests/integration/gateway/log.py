"""What the log says of accounts."""

from __future__ import annotations

from collections.abc import Collection

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


async def whole_log(world: World, accounts: Collection[str]) -> list[Recorded]:
    """All that the log holds about some accounts, up to its end at this moment."""
    places = [(EVENTS, number) for number in range(world.settings.kafka_partitions)]
    keys = {one.encode() for one in accounts}
    async with LogLookup(world.settings) as lookup:
        ends = {
            (one.topic, one.partition): end
            for one, end in (await lookup.end_offsets(places)).items()
        }
    found: list[Recorded] = []
    reader = PartitionReader(world.settings, dict.fromkeys(places, 0), name="test")
    await reader.start()
    try:
        while any((reader.position(*place) or 0) < ends[place] for place in places):
            for records in (await reader.get()).values():
                for one in records:
                    if one.key in keys and one.offset < ends[one.topic, one.partition]:
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
