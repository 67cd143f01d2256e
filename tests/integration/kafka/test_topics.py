"""Topics are made as they must be, and refused when they are not."""

from __future__ import annotations

import asyncio
import uuid

import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from runtime.kafka.connect import client_options
from runtime.kafka.errors import LogUnreachable, TopicMismatch
from runtime.kafka.topics import TopicSpec, ensure_topics
from runtime.settings import Settings


def spec(**changes) -> TopicSpec:
    fields = {"name": f"test.{uuid.uuid4().hex}", "retention_ms": None, "partitions": 2}
    return TopicSpec(**(fields | changes))


async def test_made_once_by_many(servers: Settings):
    """Several processes that start at once make the topic together, and it passes its own check."""
    wanted = spec(retention_ms=900_000)
    await asyncio.gather(*(ensure_topics(servers, [wanted]) for _ in range(4)))
    await ensure_topics(servers, [wanted])


async def test_another_partition_count_is_refused(servers: Settings):
    """The message names the topic, what was found, what was expected and what to do."""
    made = spec()
    await ensure_topics(servers, [made])
    with pytest.raises(TopicMismatch) as refused:
        await ensure_topics(servers, [msgspec.structs.replace(made, partitions=3)])
    for part in (made.name, "has 2 partitions", "says 3", "PIXELPOP_KAFKA_PARTITIONS=2"):
        assert part in str(refused.value)


async def test_another_retention_is_refused_with_the_command_to_mend_it(servers: Settings):
    """A topic that would delete facts stops the start."""
    made = spec(retention_ms=3_600_000)
    await ensure_topics(servers, [made])
    with pytest.raises(
        TopicMismatch, match=r"retention\.ms=3600000.*--add-config retention\.ms=-1"
    ):
        await ensure_topics(servers, [msgspec.structs.replace(made, retention_ms=None)])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("message.timestamp.type", "CreateTime"),
        ("cleanup.policy", "compact"),
        ("retention.bytes", "1000000"),
        ("unclean.leader.election.enable", "true"),
    ],
)
async def test_a_setting_that_was_changed_is_refused(servers: Settings, key: str, value: str):
    """Whatever decisions rest on is compared at every start."""
    made = spec()
    await ensure_topics(servers, [made])
    admin = AIOKafkaAdminClient(**client_options(servers, role="test"))
    await admin.start()
    try:
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, made.name, configs={key: value})]
        )
    finally:
        await admin.close()
    with pytest.raises(TopicMismatch, match=f"{key}={value}"):
        await ensure_topics(servers, [made])


async def test_more_replicas_than_brokers_is_refused(servers: Settings):
    """The broker's reason is passed on, with what to change."""
    settings = msgspec.structs.replace(servers, kafka_replication=7)
    with pytest.raises(TopicMismatch, match="PIXELPOP_KAFKA_REPLICATION"):
        await ensure_topics(settings, [spec()])


async def test_fewer_replicas_than_wanted_is_refused(servers: Settings):
    """A topic with one replica does not pass where three are wanted."""
    made = spec()
    await ensure_topics(servers, [made])
    settings = msgspec.structs.replace(servers, kafka_replication=3)
    with pytest.raises(TopicMismatch, match="has 1 replicas"):
        await ensure_topics(settings, [made])


async def test_no_broker_stops_the_start():
    """Where nothing listens the message names the address."""
    settings = Settings(kafka_bootstrap_servers="127.0.0.1:1", kafka_start_timeout_seconds=0.2)
    with pytest.raises(LogUnreachable, match=r"127\.0\.0\.1:1"):
        await ensure_topics(settings, [spec()])
