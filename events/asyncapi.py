"""`schemas/asyncapi.json`: the topics and what stands in them, and `/ws`, as AsyncAPI 3.0."""

from __future__ import annotations

from typing import Any, Final

from events import asyncapi_socket
from events.topics import DLQ, TOPICS

_KEYS: Final = {
    "events": "The account id: one account's facts are totally ordered in one partition.",
    "jobs": "The generation id: one user's burst spreads over all workers.",
    "live": "The account id.",
    "dlq": "The key of the failed record.",
}
_ABOUT: Final = {
    "events": "Facts and decisions: the only source of truth. Kept for ever.",
    "jobs": "Work for the workers, put there once its admission was read back from the log.",
    "live": "Progress for people who are watching; lossy by intent.",
    "dlq": "What could not be processed: key and value as they were, why and whence in headers.",
}
_CLOUDEVENT: Final = {
    "ce_id": "Deterministic: the same work done twice has the same id.",
    "ce_type": "`pixelpop.` and the payload's tag, e.g. `pixelpop.CreditsReserved.v1`.",
    "ce_source": "The kind of process that wrote it, e.g. `/pixelpop/decider`.",
    "ce_specversion": "`1.0`.",
    "ce_time": "RFC 3339, UTC.",
    "ce_subject": "The account id.",
    "ce_class": "`fact`, `money` or `decision`: what a reader does that does not know the type.",
    "content-type": "`application/json`.",
    "correlationid": "The flow it belongs to: a generation, a purchase, an account.",
    "causationid": "The `ce_id` of the event that it follows from.",
    "traceparent": "W3C trace context.",
}
_DEAD_LETTER: Final = {
    "dlq_error": "Why, in a sentence.",
    "dlq_code": "Why, as a stable code.",
    "dlq_origin": "`topic/partition/offset` of the failed record.",
    "dlq_attempts": "How often it was tried.",
    "dlq_time": "RFC 3339, UTC.",
}
_OPTIONAL: Final = {"causationid", "traceparent"}


def document(tags: dict[str, list[str]]) -> dict[str, Any]:
    """The catalogue; `tags` are the message types by channel (`events`, `jobs`, `live`)."""
    channels, operations = {}, {}
    for topic in TOPICS:
        name = topic.name.split(".")[1]
        messages = {tag: _message(name, tag) for tag in tags.get(name, ())}
        if topic.name == DLQ:
            messages = {"DeadLetter": {"headers": _headers({**_CLOUDEVENT, **_DEAD_LETTER}, set())}}
        channels[name] = {
            "address": topic.name,
            "description": f"{_ABOUT[name]} Key: {_KEYS[name]}",
            "messages": messages,
            "bindings": {
                "kafka": {
                    "topic": topic.name,
                    "topicConfiguration": {
                        "cleanup.policy": ["delete"],
                        "retention.ms": -1 if topic.retention_ms is None else topic.retention_ms,
                    },
                }
            },
        }
        for action in ("send", "receive"):
            operations[f"{action}_{name}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{name}"},
            }
    channels[asyncapi_socket.NAME] = asyncapi_socket.channel()
    operations[f"send_{asyncapi_socket.NAME}"] = asyncapi_socket.operation()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Pixelpop",
            "version": "1",
            "description": (
                "CloudEvents 1.0 in Kafka's binary mode; payloads are JSON. And the WebSocket, by "
                "which clients are told."
            ),
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
    }


def _message(family: str, tag: str) -> dict[str, Any]:
    message: dict[str, Any] = {"name": tag, "payload": {"$ref": f"./{family}/{tag}.json"}}
    if family == "events":
        message["headers"] = _headers(_CLOUDEVENT, set(_CLOUDEVENT) - _OPTIONAL)
    return message


def _headers(described: dict[str, str], required: set[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            name: {"type": "string", "description": about} for name, about in described.items()
        },
        "required": sorted(required),
    }
