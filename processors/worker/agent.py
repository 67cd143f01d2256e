"""The Faust agent: one stream of deliveries, acked by the intake and never by Faust."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import faust
import structlog

from processors.worker.app import raw_topic
from processors.worker.intake import Intake
from processors.worker.work import Delivery

_log = structlog.get_logger(__name__)


def attach(app: faust.App, intake: Intake[Any], topic: str, name: str) -> None:
    """Let `app` hand every record of `topic` to `intake`, and tell it when an assignment ends.

    `name` is the agent's.
    """

    async def deliveries(stream: Any) -> None:
        # noack: otherwise an exception here would ack the event. One agent, no `take`: the order
        # of the offsets is the order in which the intake sees them.
        async for event in stream.noack().events():
            await intake.take(delivery_of(app, event))

    app.agent(raw_topic(app, topic), name=name, concurrency=1)(deliveries)

    async def revoked(_app: faust.App, revoked: set[Any], **_: Any) -> None:
        intake.revoke({(tp.topic, tp.partition) for tp in revoked})

    async def assigned(_app: faust.App, assigned: set[Any], **_: Any) -> None:
        _log.info(
            "partitions assigned", agent=name, partitions=sorted(tp.partition for tp in assigned)
        )

    # Faust keeps weak references to receivers unless told otherwise.
    app.on_partitions_revoked.connect(revoked, weak=False)
    app.on_partitions_assigned.connect(assigned, weak=False)


def delivery_of(app: faust.App, event: Any) -> Delivery:
    """What Faust hands over, in our own terms."""
    message = event.message
    return Delivery(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        assignment=message.generation_id,
        appended_at_ms=round(message.timestamp * 1000),
        key=message.key,
        value=message.value,
        headers=tuple((name, value or b"") for name, value in message.headers or ()),
        ack=_ack(app, event),
    )


def _ack(app: faust.App, event: Any) -> Callable[[], None]:
    def ack() -> None:
        # The window is revoked with its assignment; this is the belt to those braces, because
        # Faust would take an ack of an old assignment for one of the new.
        if event.message.generation_id == app.consumer_generation_id:
            event.ack()

    return ack
