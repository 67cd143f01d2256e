"""What the topics must be like: made when missing, checked at every start, never altered.

A topic with another partition count would send an account's records to another partition; one
that deletes or lets an out-of-date replica lead would lose facts. So a difference stops the start.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    KafkaError,
    TopicAlreadyExistsError,
    for_code,
)

from runtime.kafka.connect import client_options
from runtime.kafka.errors import LogUnreachable, TopicMismatch
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

MAX_MESSAGE_BYTES = 1_048_588
"""Kafka's own default for the largest batch; `kafka_batch_bytes` stays below it."""
SEGMENT_MS_MIN = 60_000
RETRY_SECONDS = 0.1


class TopicSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A topic as it must be.

    Attributes:
        name: the topic.
        retention_ms: how long records are kept; None: for ever.
        partitions: how many; None: `kafka_partitions`.
        max_message_bytes: the largest batch that the broker takes.
    """

    name: str
    retention_ms: int | None
    partitions: int | None = None
    max_message_bytes: int = MAX_MESSAGE_BYTES

    def required(self, replication: int) -> dict[str, str]:
        """The topic settings that must hold, as Kafka writes them."""
        return {
            "cleanup.policy": "delete",
            "compression.type": "zstd",
            "max.message.bytes": str(self.max_message_bytes),
            "message.timestamp.type": "LogAppendTime",
            "min.insync.replicas": str(min(2, replication)),
            "retention.bytes": "-1",
            "retention.ms": "-1" if self.retention_ms is None else str(self.retention_ms),
            "unclean.leader.election.enable": "false",
        }

    def initial(self, replication: int) -> dict[str, str]:
        """The settings to make it with: what is required, and segments short enough to expire."""
        settings = self.required(replication)
        if self.retention_ms is not None:  # Kafka deletes whole segments, never the one in use
            settings["segment.ms"] = str(max(self.retention_ms // 4, SEGMENT_MS_MIN))
        return settings


async def ensure_topics(settings: Settings, specs: list[TopicSpec]) -> None:
    """Make the topics that are missing, check those that exist, wait until all can be used.

    Several processes may do this at once.

    Raises:
        TopicMismatch: a topic is not as its spec says, or the broker refused to make it.
        LogUnreachable: the brokers did not answer, or a partition has no leader, in
            `kafka_start_timeout_seconds`.
    """
    doing = "reach the brokers"
    admin = AIOKafkaAdminClient(**client_options(settings, role="topics"))
    try:
        async with asyncio.timeout(settings.kafka_start_timeout_seconds):
            await _connect(admin)
            doing = "make the topics"
            await _make_missing(admin, settings, specs)
            doing = "find a leader for every partition"
            found = await _wait_for_leaders(admin, [spec.name for spec in specs])
            doing = "read the topics' settings"
            for spec in specs:
                _check_shape(spec, settings, found[spec.name])
            await _check_settings(admin, settings, specs)
            doing = "find a coordinator of consumer groups"
            await _wait_for_coordinator(admin, settings.worker_group)
    except (TimeoutError, KafkaError) as error:
        raise LogUnreachable(
            f"Could not {doing} at {settings.kafka_bootstrap_servers} within "
            f"{settings.kafka_start_timeout_seconds:g} s ({error!r}). Check that Kafka runs there, "
            "that KAFKA_BOOTSTRAP_SERVERS is right and that this user may describe topics."
        ) from error
    finally:
        await admin.close()


async def _connect(admin: AIOKafkaAdminClient) -> None:
    while True:
        try:
            await admin.start()
        except KafkaError as error:
            _log.warning("kafka not reached, trying again", error=repr(error))
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


async def _wait_for_coordinator(admin: AIOKafkaAdminClient, group: str) -> None:
    """A new cluster makes its topic of groups when it is first asked, and says no until then."""
    while True:
        try:
            await admin.find_coordinator(group)
        except GroupCoordinatorNotAvailableError:
            await asyncio.sleep(RETRY_SECONDS)
        except GroupAuthorizationFailedError:
            return  # not ours to ask about; whoever joins it is told
        else:
            return


async def _make_missing(
    admin: AIOKafkaAdminClient, settings: Settings, specs: list[TopicSpec]
) -> None:
    existing = set(await admin.list_topics())  # asking by name could make the topic by accident
    replication = settings.kafka_replication
    missing = [spec for spec in specs if spec.name not in existing]
    if not missing:
        return
    answer = await admin.create_topics(
        [
            NewTopic(
                spec.name,
                _partitions(spec, settings),
                replication,
                topic_configs=spec.initial(replication),
            )
            for spec in missing
        ]
    )
    for name, code, *rest in answer.topic_errors:
        error = for_code(code)
        if code == 0:
            _log.info("topic made", topic=name)
        elif error is not TopicAlreadyExistsError:  # another process was faster
            said = next((text for text in rest if isinstance(text, str)), "") or error.__name__
            raise TopicMismatch(
                f"The broker refused to make the topic {name} with {replication} replicas: {said} "
                "Set PIXELPOP_KAFKA_REPLICATION to at most the number of "
                "brokers, allow this user to make topics, or make the topic yourself."
            )


async def _wait_for_leaders(
    admin: AIOKafkaAdminClient, names: list[str]
) -> dict[str, list[dict[str, Any]]]:
    while True:
        topics = {topic["topic"]: topic for topic in await admin.describe_topics(names)}
        if all(name in topics and _has_leaders(topics[name]) for name in names):
            return {name: topics[name]["partitions"] for name in names}
        await asyncio.sleep(RETRY_SECONDS)


def _has_leaders(topic: dict[str, Any]) -> bool:
    partitions = topic["partitions"]
    return topic["error_code"] == 0 and all(one["leader"] >= 0 for one in partitions)


def _partitions(spec: TopicSpec, settings: Settings) -> int:
    return settings.kafka_partitions if spec.partitions is None else spec.partitions


def _check_shape(spec: TopicSpec, settings: Settings, found: list[dict[str, Any]]) -> None:
    expected = _partitions(spec, settings)
    if len(found) != expected:
        raise TopicMismatch(
            f"The topic {spec.name} has {len(found)} partitions, but PIXELPOP_KAFKA_PARTITIONS "
            f"says {expected}. The count is fixed for ever, since it decides where each account's "
            f"records are: set PIXELPOP_KAFKA_PARTITIONS={len(found)}, or use another Kafka."
        )
    replication = settings.kafka_replication
    fewest = min(len(one["replicas"]) for one in found)
    if fewest < replication:
        raise TopicMismatch(
            f"The topic {spec.name} has {fewest} replicas, but PIXELPOP_KAFKA_REPLICATION says "
            f"{replication}. Add replicas with kafka-reassign-partitions.sh, or set "
            f"PIXELPOP_KAFKA_REPLICATION={fewest} and accept that losing brokers loses records."
        )


async def _check_settings(
    admin: AIOKafkaAdminClient, settings: Settings, specs: list[TopicSpec]
) -> None:
    required = {spec.name: spec.required(settings.kafka_replication) for spec in specs}
    answers = await admin.describe_configs(
        [
            ConfigResource(ConfigResourceType.TOPIC, name, configs=dict(wanted))
            for name, wanted in required.items()
        ]
    )
    for answer in answers:
        for code, _, _, name, entries in answer.resources:
            if code != 0:
                raise for_code(code)(f"describing {name}")
            found = {entry[0]: entry[1] for entry in entries}
            wrong = {
                key: wanted for key, wanted in required[name].items() if found.get(key) != wanted
            }
            if wrong:
                have = ", ".join(f"{key}={found.get(key)}" for key in wrong)
                want = ",".join(f"{key}={value}" for key, value in wrong.items())
                raise TopicMismatch(
                    f"The topic {name} has {have}, but must have {want}. Change it with: "
                    f"kafka-configs.sh --alter --entity-type topics --entity-name {name} "
                    f"--add-config {want}"
                )
