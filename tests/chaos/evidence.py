"""What a run leaves behind, gathered without the code that is judged: log, tables, objects, API.

The log comes from a bare aiokafka consumer, the tables from plain SQL as the owner, the objects
as bytes from the S3 API, the rest over HTTP.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from runtime.objects import open_objects
from runtime.settings import Settings
from tests.chaos.books import Logged
from tests.chaos.load import Customer

EVENTS = "pixelpop.events.v1"
READS_AT_ONCE = 16
TABLES = {
    "generations": """
        SELECT account_id::text, generation_id::text, status, credits_reserved, credits_captured,
            credits_returned, deleted_at_ms
        FROM read.generations""",
    "images": """
        SELECT account_id::text, generation_id::text, image_id::text, index, object_key, size_bytes
        FROM read.images""",
    "credit_accounts": """
        SELECT account_id::text, available, reserved, granted, spent, debt, expired, frozen
        FROM read.credit_accounts""",
    "grants": "SELECT account_id::text, grant_id::text, available FROM read.grants",
    "ledger": "SELECT account_id::text, sequence, value_hash FROM read.ledger",
    "provider_costs": "SELECT generation_id::text, step, cost_micros FROM read.provider_costs",
    "purchases": "SELECT account_id::text, purchase_id::text, granted_at_ms FROM read.purchases",
}

Row = dict[str, Any]
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Call:
    """One request that the image model got."""

    generation_id: str
    count: int
    began: float
    """Wall clock, in seconds."""
    ended: float
    outcome: str
    """`answered`, `refused` (nothing to pay), `uncertain` (done, and the answer was lost),
    `aborted` by the caller, or `taken`: it was never asked for again."""
    sha256: tuple[str, ...] = ()
    """Of the pictures that were sent."""
    attempt: int = 1
    """Of the worker's, as its client id says."""
    billed: int = 0
    """Pictures on the model's own bill."""


@dataclass
class Evidence:
    """Everything at the end of a run."""

    tables: dict[str, list[Row]] = field(default_factory=dict)
    objects: dict[str, str] = field(default_factory=dict)
    """Key → SHA-256 of the bytes that are stored."""
    bare: dict[str, str] = field(default_factory=dict)
    """The same for what they are without the notes that we put into PNGs; others are not here."""
    calls: list[Call] = field(default_factory=list)
    credits: dict[str, Row] = field(default_factory=dict)
    """Account → what GET /credits says."""
    generations: dict[str, Row] = field(default_factory=dict)
    """Generation → what GET /generations/{id} says."""
    unanswered: list[str] = field(default_factory=list)
    """What happened instead where the API did not answer."""


async def read_log(settings: Settings) -> list[Logged]:
    """The whole event log, partition by partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(EVENTS, number) for number in range(settings.kafka_partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        read: dict[TopicPartition, list[Logged]] = {one: [] for one in partitions}
        while any([await consumer.position(one) < ends[one] for one in partitions]):
            for where, records in (await consumer.getmany(timeout_ms=200)).items():
                read[where] += [Logged(one.key, one.value, one.timestamp) for one in records]
        return [one for partition in partitions for one in read[partition]]
    finally:
        await consumer.stop()


async def read_tables(settings: Settings) -> dict[str, list[Row]]:
    """The read models, all in one snapshot."""
    connection = await asyncpg.connect(settings.database_url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return {
                name: [dict(row) for row in await connection.fetch(query)]
                for name, query in TABLES.items()
            }
    finally:
        await connection.close()


async def caught_up(settings: Settings, log: list[Logged]) -> bool:
    """Whether every read model has taken in at least so many records."""
    connection = await asyncpg.connect(settings.database_url)
    try:
        taken = await connection.fetch(
            "SELECT projection, sum(next_offset)::bigint AS taken "
            "FROM read.projection_offsets GROUP BY projection"
        )
    finally:
        await connection.close()
    return bool(taken) and all(row["taken"] >= len(log) for row in taken)


async def read_objects(settings: Settings, evidence: Evidence) -> None:
    """The hashes of every stored object of a generation."""
    async with open_objects(settings) as store:
        keys = await store.list("generations/")
        room = asyncio.Semaphore(READS_AT_ONCE)

        async def read(key: str) -> None:
            async with room:
                data = await store.get(key) or b""
            evidence.objects[key] = hashlib.sha256(data).hexdigest()
            if data.startswith(PNG):
                evidence.bare[key] = hashlib.sha256(_bare(data)).hexdigest()

        await asyncio.gather(*map(read, keys))


def _bare(png: bytes) -> bytes:
    """A PNG with nothing but what its pixels need (PNG specification, 5.3)."""
    kept, at = [PNG], len(PNG)
    while at < len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4], "big")
        if png[at + 4 : at + 8] in {b"IHDR", b"PLTE", b"IDAT", b"IEND"}:
            kept.append(png[at:end])
        at = end
    return b"".join(kept)


async def ask_api(customers: list[Customer], evidence: Evidence) -> None:
    """What every customer is told about the balance and about each generation."""
    room = asyncio.Semaphore(READS_AT_ONCE)

    async def one(customer: Customer) -> None:
        async with room:
            _, body, _ = await customer.call("GET", "/credits")
            evidence.credits[customer.account_id] = body
            for generation_id, wish in customer.promises.accepted.items():
                if wish.account_id == customer.account_id:
                    _, body, _ = await customer.call("GET", f"/generations/{generation_id}")
                    evidence.generations[generation_id] = body

    answers = await asyncio.gather(*(one(it) for it in customers), return_exceptions=True)
    evidence.unanswered = [repr(error) for error in answers if error is not None]
