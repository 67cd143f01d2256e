"""The loop of a decider without a domain: read a record, append one, read it back.

`python -m benchmarks.raw.decider`, with RAW_KAFKA, RAW_TOPIC, RAW_PARTITIONS. Every record of kind
`?` is answered by one of the size of a decision; the answer counts once it was read back. Prints
`{"decisions": …, "seconds": …}`.
"""

from __future__ import annotations

import asyncio
import json
import os
import time

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import ConsumerRecord, TopicPartition

QUESTION, ANSWER = b"?", b"!"
ANSWER_BYTES = 620
"""A `CreditsReserved` with its headers, as measured."""

RECORDS_MAX = 5_000
_HEADERS = [("ce_id", b"0" * 36), ("ce_type", b"pixelpop.CreditsReserved.v1")]
_VALUE = ANSWER + b"x" * (ANSWER_BYTES - 1)


async def _answer(
    producer: AIOKafkaProducer, place: TopicPartition, asked: list[ConsumerRecord[bytes, bytes]]
) -> None:
    left = asked
    while left:
        batch = producer.create_batch()
        taken = 0
        for record in left:
            if not batch.append(key=record.key, value=_VALUE, timestamp=None, headers=_HEADERS):
                break
            taken += 1
        batch.close()
        left = left[taken:]
        future = await producer.send_batch(batch, place.topic, partition=place.partition)
        await future


async def run(bootstrap: str, topic: str, partitions: int) -> dict[str, float]:
    """Answer everything that stands in the topic now; returns how many and in what time."""
    places = [TopicPartition(topic, number) for number in range(partitions)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=20,
        max_partition_fetch_bytes=1_048_576,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_batch_size=262_144
    )
    await consumer.start()
    await producer.start()
    try:
        consumer.assign(places)
        asked = sum((await consumer.end_offsets(places)).values())
        answered = 0
        sends: dict[TopicPartition, asyncio.Task[None]] = {}
        started = time.perf_counter()
        while answered < asked:
            found = await consumer.getmany(timeout_ms=200, max_records=RECORDS_MAX)
            for place, records in found.items():
                open_questions = [one for one in records if one.value[:1] == QUESTION]
                answered += len(records) - len(open_questions)
                if open_questions:
                    if place in sends:
                        await sends[place]
                    sends[place] = asyncio.create_task(_answer(producer, place, open_questions))
        seconds = time.perf_counter() - started
        return {"decisions": asked, "seconds": seconds}
    finally:
        await producer.stop()
        await consumer.stop()


if __name__ == "__main__":
    environ = os.environ
    print(
        json.dumps(
            uvloop.run(
                run(environ["RAW_KAFKA"], environ["RAW_TOPIC"], int(environ["RAW_PARTITIONS"]))
            )
        )
    )
