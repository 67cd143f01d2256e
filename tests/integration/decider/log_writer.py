"""Writes facts into the real log and reads back what was decided about an account."""

from __future__ import annotations

import uuid
from typing import Any, Self

import msgspec

from events import ids
from events.codec import Event, encode
from events.envelope import headers_for
from events.fold import apply
from events.generations import GenerationRequested
from events.ids import AccountId, GenerationId, SourceId
from events.purchases import CreditsPurchased
from events.reading import Poison, read
from events.state import Account
from events.topics import EVENTS, JOBS
from runtime.kafka.clock import BrokerClock
from runtime.kafka.consumer import PartitionReader, TopicPartition
from runtime.kafka.lookup import end_offsets
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing, Position
from runtime.settings import Settings
from runtime.waiting import until


class LogWriter:
    """One account's author and reader, over the real broker."""

    def __init__(self, settings: Settings, producer: LogProducer, clock: BrokerClock) -> None:
        self.settings = settings
        self.producer = producer
        self.clock = clock

    async def append(self, event: Event, event_id: str, about: str) -> Position:
        headers = headers_for(
            event,
            ids.EventId(event_id),
            source="/pixelpop/test",
            time_ms=self.clock.now_ms(),
            correlation_id=about,
        )
        return await self.producer.append(
            EVENTS, Outgoing(event.account_id.encode(), encode(event), headers)
        )

    async def purchase(self, account_id: AccountId, amount: int = 10) -> SourceId:
        purchase_id = SourceId(str(uuid.uuid4()))
        event = CreditsPurchased(
            account_id=account_id,
            occurred_at_ms=self.clock.now_ms(),
            purchase_id=purchase_id,
            provider="local",
            pack_id="starter",
            credits=amount,
            amount=50,
            currency="XTR",
        )
        await self.append(event, ids.fact_id(purchase_id, "purchased"), purchase_id)
        return purchase_id

    def request(self, account_id: AccountId, key: str, **fields: Any) -> GenerationRequested:
        values: dict[str, Any] = {
            "kind": "image",
            "prompt": "v1.sealed",
            "style_id": "photo",
            "size": "1024x1024",
            "count": 1,
            "seed": 1,
            "model": "preview",
            "quality": "standard",
            "body_mac": "0" * 64,
        } | fields
        return GenerationRequested(
            account_id=account_id,
            generation_id=ids.generation_id(account_id, key),
            occurred_at_ms=self.clock.now_ms(),
            **values,
        )

    async def ask(self, account_id: AccountId, key: str, **fields: Any) -> GenerationId:
        event = self.request(account_id, key, **fields)
        await self.append(event, ids.fact_id(event.generation_id, "requested"), event.generation_id)
        return event.generation_id


class History:
    """What the log says about some accounts, read from its beginning by its own fold."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._states: dict[str, Account] = {}
        self.events: dict[str, list[Event]] = {}
        self.voids: dict[str, list[Event]] = {}
        self.jobs: list[dict[str, Any]] = []
        self._readers: list[PartitionReader] = []

    async def __aenter__(self) -> Self:
        count = range(self._settings.kafka_partitions)
        for topic in (EVENTS, JOBS):
            reader = PartitionReader(
                self._settings, {TopicPartition(topic, number): 0 for number in count}
            )
            await reader.start()
            self._readers.append(reader)
        return self

    async def __aexit__(self, *_: object) -> None:
        for reader in self._readers:
            await reader.stop()

    def state(self, account_id: str) -> Account:
        return self._states.get(account_id) or Account(account_id=AccountId(account_id))

    async def wait_for(self, condition: Any, what: str, timeout_seconds: float = 20.0) -> None:
        """Read on until `condition()` holds."""

        async def holds() -> bool:
            await self.read_on()
            return bool(condition())

        await until(holds, timeout_seconds, what=what)

    async def read_all(self) -> None:
        """Read to the end that the log has now."""
        tps = [(EVENTS, number) for number in range(self._settings.kafka_partitions)]
        ends = await end_offsets(self._settings, tps)

        async def reached() -> bool:
            await self.read_on()
            return all(
                (self._readers[0].position(tp.topic, tp.partition) or 0) >= end
                for tp, end in ends.items()
            )

        await until(reached, 30.0, what="the end of the log")

    async def read_on(self) -> None:
        for records in (await self._readers[0].get(5000, 0.05)).values():
            for one in records:
                recorded = read(one.key, one.value, one.headers, one.timestamp)
                if isinstance(recorded, Poison):
                    continue
                account_id = recorded.event.account_id
                after, void = apply(self.state(account_id), recorded)
                self._states[account_id] = after
                log = self.events if void is None else self.voids
                log.setdefault(account_id, []).append(recorded.event)
        for records in (await self._readers[1].get(5000, 0.0)).values():
            self.jobs += [msgspec.json.decode(one.value) for one in records]
