"""Accounts with credits for the load: rows in `identities`, facts in the log, tokens."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import asyncpg
import msgspec

from events.accounts import UserRegistered
from events.base import Sealed
from events.codec import Event, encode
from events.envelope import headers_for
from events.generations import GenerationCancelled, GenerationRequested
from events.ids import AccountId, EventId, GenerationId, SourceId, fact_id, generation_id
from events.purchases import CreditsPurchased
from events.topics import EVENTS
from runtime.crypto.keys import new_account_key, wrap
from runtime.crypto.master import master_keys
from runtime.crypto.sealing import seal
from runtime.kafka.partitioner import partition_for
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing
from runtime.settings import Settings

CREDITS_EACH = 1_000_000
CHUNK_RECORDS = 5_000
"""Per partition and append, well below the producer's buffer."""

GENERATIONS_EACH = 5
"""What the token bucket lets one account start at once."""

SOURCE = "/pixelpop/gateway"
PROMPT = "a red fox in fresh snow at first light, breath in the cold air, a long lens"
BODY = {
    "kind": "image",
    "prompt": PROMPT,
    "style_id": "photo",
    "size": "1024x1024",
    "count": 1,
    "model": "preview",
}
"""What every request of the load asks for; ours and the peer's take the same body."""


class LoadAccount(msgspec.Struct, frozen=True):
    """An account that the load acts for."""

    account_id: uuid.UUID
    key: bytes


async def make_accounts(
    settings: Settings, owner_url: str, producer: LogProducer, count: int
) -> list[LoadAccount]:
    """Registered accounts, each with a purchase that the decider has yet to grant."""
    made = [LoadAccount(uuid.uuid4(), new_account_key()) for _ in range(count)]
    masters = master_keys(settings)
    now = datetime.now(UTC)
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.copy_records_to_table(
            "identities",
            records=[
                (
                    one.account_id,
                    wrap(masters.current, one.key, one.account_id),
                    masters.current.id,
                    now,
                )
                for one in made
            ],
            columns=[
                "account_id",
                "wrapped_key",
                "master_key_id",
                "registered_at",
            ],
        )
    finally:
        await connection.close()
    facts = itertools.chain.from_iterable(opening_facts(one.account_id) for one in made)
    await append_all(producer, facts)
    return made


def opening_facts(account: uuid.UUID) -> list[Outgoing]:
    """`UserRegistered` and `CreditsPurchased` of one account."""
    now_ms = time.time_ns() // 1_000_000
    account_id = AccountId(str(account))
    purchase_id = SourceId(str(uuid.uuid4()))
    registered = UserRegistered(account_id=account_id, occurred_at_ms=now_ms, welcome_credits=0)
    purchased = CreditsPurchased(
        account_id=account_id,
        occurred_at_ms=now_ms,
        purchase_id=purchase_id,
        provider="local",
        pack_id="bench",
        credits=CREDITS_EACH,
        amount=0,
        currency="XTR",
    )
    return [
        outgoing(registered, fact_id(account_id, "registered"), account_id, now_ms),
        outgoing(purchased, fact_id(purchase_id, "purchased"), purchase_id, now_ms),
    ]


def requested(account: LoadAccount, seeds: random.Random) -> tuple[GenerationRequested, EventId]:
    """A request as the gateway would append it, sealed prompt and all."""
    account_id = AccountId(str(account.account_id))
    generation = generation_id(account_id, str(uuid.uuid4()))
    event_id = fact_id(generation, "requested")
    sealed = seal(
        account.key,
        PROMPT,
        account_id=account.account_id,
        event_id=uuid.UUID(event_id),
        field="prompt",
    )
    event = GenerationRequested(
        account_id=account_id,
        occurred_at_ms=time.time_ns() // 1_000_000,
        generation_id=GenerationId(generation),
        kind="image",
        prompt=Sealed(sealed),
        style_id="photo",
        size="1024x1024",
        count=1,
        seed=seeds.randrange(2**31),
        model="preview",
        quality="standard",
        body_mac="0" * 64,
    )
    return event, event_id


def request_records(accounts: Sequence[LoadAccount], each: int) -> Iterator[Outgoing]:
    """`each` requests of every account, the accounts taking turns."""
    seeds = random.Random(1)
    for _ in range(each):
        for account in accounts:
            event, event_id = requested(account, seeds)
            yield outgoing(event, event_id, event.generation_id, event.occurred_at_ms)


def cancelled(request: Outgoing) -> Outgoing:
    """What ends a request, so that its job is not put again."""
    generation = next(value for name, value in request.headers if name == "correlationid").decode()
    event = GenerationCancelled(
        account_id=AccountId(request.key.decode()),
        occurred_at_ms=time.time_ns() // 1_000_000,
        generation_id=GenerationId(generation),
    )
    return outgoing(event, fact_id(generation, "cancelled"), generation, event.occurred_at_ms)


def outgoing(event: Event, event_id: EventId, about: str, now_ms: int) -> Outgoing:
    """The record of one fact."""
    headers = headers_for(event, event_id, source=SOURCE, time_ms=now_ms, correlation_id=about)
    return Outgoing(event.account_id.encode(), encode(event), headers)


async def append_all(
    producer: LogProducer, records: Iterable[Outgoing], topic: str = EVENTS
) -> int:
    """Append in chunks per partition, all partitions at once; returns how many."""
    partitions = await producer.partitions(topic)
    total = 0
    feed = iter(records)
    while chunk := list(itertools.islice(feed, CHUNK_RECORDS * 2)):
        by_partition: dict[int, list[Outgoing]] = defaultdict(list)
        for record in chunk:
            by_partition[partition_for(record.key, partitions)].append(record)
        await asyncio.gather(
            *(producer.append_batch(topic, number, part) for number, part in by_partition.items())
        )
        total += len(chunk)
    return total
