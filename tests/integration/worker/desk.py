"""Plays decider and customer for a real worker: makes accounts and jobs, reads what it appends."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from typing import Any, Self

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from events.base import Sealed
from events.codec import Event
from events.envelope import header
from events.generations import GenerationRequested
from events.ids import AccountId, GenerationId, fact_id
from events.jobs import GenerateJob, Job, encode_job
from events.live import Progress, decode_live
from events.reading import Poison, read
from events.topics import DLQ, EVENTS, JOBS, LIVE
from runtime.crypto.keys import new_account_key, wrap
from runtime.crypto.master import master_keys
from runtime.crypto.sealing import seal
from runtime.kafka.clock import BrokerClock
from runtime.kafka.connect import client_options
from runtime.kafka.lookup import LogLookup, end_offsets
from runtime.kafka.partition_reader import PartitionReader
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing, Position, Record, from_consumer
from runtime.settings import Settings
from runtime.waiting import until
from tests.integration.processes import caught_up, committed

MINUTE_MS = 60_000


class Desk:
    """One test's view of the log, from the moment that it began."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = BrokerClock()
        self.producer = LogProducer(settings, clock=self.clock, role="desk")
        self.events: dict[str, list[Event]] = {}
        """By generation id, in the order of the log."""
        self.event_ids: list[str] = []
        self.dead: list[Record] = []
        self.progress: dict[str, list[Progress]] = {}
        self._keys: dict[str, bytes] = {}
        self._read_until: dict[tuple[str, int], int] = {}
        self._asking = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._database = await asyncpg.connect(self.settings.database_url)
        await self.producer.start()
        await self.clock.prime(self.producer, LIVE)
        await self.forget_backlog()
        self._lookup = LogLookup(self.settings)
        await self._lookup.__aenter__()
        self._read_until = await self._ends(EVENTS, DLQ, LIVE)
        self._reader = PartitionReader(self.settings, dict(self._read_until), fetch_max_wait_ms=20)
        await self._reader.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._reader.stop()
        await self._lookup.__aexit__(None, None, None)
        await self.producer.stop()
        await self._database.close()

    async def begin(self, group: str) -> None:
        """Another test, with this consumer group: forget what was before it."""
        self.settings = msgspec.structs.replace(self.settings, worker_group=group)
        # A record of an earlier test would otherwise come among this one's dead letters.
        for tp, end in (await self._ends(DLQ)).items():
            while self._read_until[tp] < end:
                await self.read_on()
        for remembered in (self.events, self.event_ids, self.dead, self.progress):
            remembered.clear()
        tables = "provider_calls", "worker_shares", "provider_shares", "provider_paces"
        async with self._asking:
            await self._database.execute("; ".join(f"DELETE FROM {one}" for one in tables))

    async def _ends(self, *topics: str) -> dict[tuple[str, int], int]:
        count = self.settings.kafka_partitions
        tps = [(topic, number) for topic in topics for number in range(count)]
        return dict(await self._lookup.end_offsets(tps))

    async def forget_backlog(self) -> None:
        """Let the test's own group begin with what this test appends."""
        tps = [TopicPartition(JOBS, number) for number in range(self.settings.kafka_partitions)]
        ends = await end_offsets(self.settings, tps)
        consumer = AIOKafkaConsumer(
            **client_options(self.settings),
            group_id=self.settings.worker_group,
            enable_auto_commit=False,
        )
        await consumer.start()
        try:
            consumer.assign(tps)
            await consumer.commit({tp: OffsetAndMetadata(ends[tp], "") for tp in tps})
        finally:
            await consumer.stop()

    async def committed(self) -> dict[int, int]:
        """The group's cursor by partition."""
        return await committed(self.settings, self.settings.worker_group, JOBS)

    async def caught_up(self, timeout_seconds: float = 30.0) -> None:
        """Wait until everything on the jobs topic is acked and committed."""
        await caught_up(self.settings, self.settings.worker_group, JOBS, timeout_seconds)

    async def account(self) -> AccountId:
        """A new account with a key."""
        account_id = AccountId(str(uuid.uuid4()))
        key = new_account_key()
        master = master_keys(self.settings).current
        wrapped = wrap(master, key, uuid.UUID(account_id))
        await self.execute(
            "INSERT INTO identities (account_id, wrapped_key, master_key_id) VALUES ($1, $2, $3)",
            uuid.UUID(account_id),
            wrapped,
            master.id,
        )
        self._keys[account_id] = key
        return account_id

    def key_of(self, account_id: AccountId) -> bytes:
        """The account's own key."""
        return self._keys[account_id]

    async def erase_key(self, account_id: AccountId) -> None:
        """What erasure does to the key."""
        await self.execute("DELETE FROM identities WHERE account_id = $1", uuid.UUID(account_id))

    async def execute(self, statement: str, *values: Any) -> Any:
        """Ask the database as its owner."""
        async with self._asking:
            return await self._database.fetchval(statement, *values)

    async def claim(self, generation_id: str) -> asyncpg.Record | None:
        """The latest claim on a generation."""
        async with self._asking:
            return await self._database.fetchrow(
                "SELECT * FROM provider_calls WHERE generation_id = $1 "
                "ORDER BY attempt DESC LIMIT 1",
                uuid.UUID(generation_id),
            )

    def job(
        self, account_id: AccountId, *, deadline_ms: int = 10 * MINUTE_MS, **fields: Any
    ) -> GenerateJob:
        """A job whose deadline is so long from now; `prompt` is sealed."""
        generation_id = GenerationId(str(uuid.uuid4()))
        key = self._keys.get(account_id) or new_account_key()
        prompt = fields.pop("prompt", "a quiet harbour at dawn")
        values: dict[str, Any] = {
            "kind": "image",
            "style_id": "none",
            "size": "1024x1024",
            "count": 1,
            "seed": 7,
            "model": "preview",
            "quality": "standard",
            "body_mac": "0" * 64,
        } | fields
        sealed = seal(
            key,
            prompt,
            account_id=uuid.UUID(account_id),
            event_id=uuid.UUID(fact_id(generation_id, "requested")),
            field="prompt",
        )
        request = GenerationRequested(
            account_id=account_id,
            occurred_at_ms=self.clock.now_ms(),
            generation_id=generation_id,
            prompt=Sealed(sealed),
            **values,
        )
        return GenerateJob(
            account_id=account_id,
            generation_id=generation_id,
            deadline_ms=self.clock.now_ms() + deadline_ms,
            request=request,
        )

    async def put(self, job: Job, *, partition: int | None = None) -> Position:
        """Append a job."""
        return await self.put_bytes(job.generation_id.encode(), encode_job(job), partition)

    async def put_bytes(self, key: bytes, value: bytes, partition: int | None = None) -> Position:
        """Append any bytes to the jobs topic."""
        headers = (("ce_type", b"pixelpop.job.Generate.v1"),)
        return await self.producer.append(JOBS, Outgoing(key, value, headers), partition=partition)

    async def read_on(self) -> None:
        """Read what has been appended since."""
        for tp, records in (await self._reader.get(5000, 0.02)).items():
            for one in records:
                self._read_until[tp.topic, tp.partition] = one.offset + 1
                if tp.topic == DLQ:
                    self.dead.append(from_consumer(one))
                elif tp.topic == LIVE:
                    with contextlib.suppress(msgspec.DecodeError):
                        told = decode_live(one.value)
                        if isinstance(told, Progress):
                            self.progress.setdefault(told.generation_id, []).append(told)
                else:
                    recorded = read(one.key, one.value, one.headers, one.timestamp)
                    if isinstance(recorded, Poison):
                        continue
                    generation_id = getattr(recorded.event, "generation_id", "")
                    self.events.setdefault(generation_id, []).append(recorded.event)
                    self.event_ids.append(header(one.headers, "ce_id") or "")

    async def wait_for(
        self, condition: Callable[[], Any], what: str, timeout_seconds: float = 30.0
    ) -> Any:
        """Read on until `condition()` holds; returns its answer."""

        async def holds() -> Any:
            await self.read_on()
            return condition()

        return await until(holds, timeout_seconds, what=what)

    def said(self, generation_id: str, kind: type[Event]) -> list[Any]:
        """The facts of one kind about a generation."""
        return [one for one in self.events.get(generation_id, []) if type(one) is kind]

    async def fact(
        self, generation_id: str, kind: type[Event], timeout_seconds: float = 30.0
    ) -> Any:
        """Wait for the first fact of this kind about a generation."""
        await self.wait_for(
            lambda: self.said(generation_id, kind),
            f"{kind.__name__} of {generation_id}; there is {self.events.get(generation_id)}",
            timeout_seconds,
        )
        return self.said(generation_id, kind)[0]
