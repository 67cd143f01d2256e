"""A valid log of any size, decided by the project's own `decide` and folded by its own fold.

Accounts come in waves. In each wave every account signs up, is welcomed, and asks for pictures one
generation after the other; a wave's facts are appended together, then the decisions that follow
from them. So the log looks like that of a busy day: thousands of accounts active at once, and the
events of one generation some thousands of records apart.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence

from commands.decide import decide
from events.accounts import UserRegistered
from events.base import Sealed
from events.codec import Event, encode
from events.envelope import headers_for
from events.fold import apply
from events.generations import (
    GenerationCompleted,
    GenerationRequested,
    GenerationStarted,
    Image,
)
from events.ids import AccountId, EventId, GenerationId, fact_id, generation_id, image_id
from events.recorded import Recorded, hash_value
from events.state import Account
from events.topics import EVENTS
from runtime.kafka.partitioner import partition_for
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing

WELCOME_CREDITS = 5
EVENTS_OF_SIGN_UP = 2
EVENTS_OF_GENERATION = 5
STEPS_MAX = 5
"""Generations that one account may start at once."""
CHUNK_RECORDS = 4_000
"""Per partition and append, well below the producer's buffer."""

Append = Callable[[Sequence[Outgoing]], Awaitable[Sequence[int]]]
"""Stores records in order of their keys; returns the append time of each, in ms."""

_Told = tuple[int, Event, EventId, str, str]
"""Index of the account, event, its id, correlation id, source."""


async def write_log(
    append: Append,
    accounts: int,
    *,
    generations_each: tuple[int, int] = (1, 2),
    wave_accounts: int = 2_000,
    seed: int = 1,
) -> list[Account]:
    """Write the history of `accounts` accounts; returns their states at its end.

    Args:
        append: where to.
        accounts: how many.
        generations_each: the least and the most per account; (1, 2) makes 9.5 events each.
        wave_accounts: how many are active at once.
        seed: the same seed writes the same history, but for the times.
    """
    assert 0 <= generations_each[0] <= generations_each[1] <= STEPS_MAX
    chance = random.Random(seed)
    states: list[Account] = []
    while len(states) < accounts:
        size = min(wave_accounts, accounts - len(states))
        wave = _Wave(append, chance, [_new_id(chance) for _ in range(size)])
        await wave.live([chance.randint(*generations_each) for _ in range(size)])
        states += wave.states
    return states


def appender(producer: LogProducer, partitions: int, *, topic: str = EVENTS) -> Append:
    """Append to the event log, all partitions at once."""

    async def append(records: Sequence[Outgoing]) -> Sequence[int]:
        shares: dict[int, list[int]] = defaultdict(list)
        for index, record in enumerate(records):
            shares[partition_for(record.key, partitions)].append(index)
        times = [0] * len(records)

        async def append_share(partition: int, indexes: list[int]) -> None:
            for begin in range(0, len(indexes), CHUNK_RECORDS):
                part = indexes[begin : begin + CHUNK_RECORDS]
                positions = await producer.append_batch(
                    topic, partition, [records[index] for index in part]
                )
                for index, position in zip(part, positions, strict=True):
                    times[index] = position.appended_at_ms

        await asyncio.gather(*(append_share(*share) for share in shares.items()))
        return times

    return append


def _new_id(chance: random.Random) -> AccountId:
    return AccountId(str(uuid.UUID(int=chance.getrandbits(128), version=4)))


class _Wave:
    """Accounts that are active together."""

    def __init__(self, append: Append, chance: random.Random, ids: list[AccountId]) -> None:
        self._append = append
        self._chance = chance
        self.states = [Account(account_id=account_id) for account_id in ids]
        self._now_ms = 0

    async def live(self, generations: list[int]) -> None:
        """From the sign-up to the last settlement."""
        everybody = range(len(self.states))
        await self._happen(self._sign_up(index) for index in everybody)
        await self._decide(everybody)
        for turn in range(max(generations, default=0)):
            active = [index for index in everybody if generations[index] > turn]
            asked = {
                index: generation_id(self.states[index].account_id, f"synthetic-{turn}")
                for index in active
            }
            await self._happen(self._ask(index, asked[index]) for index in active)
            await self._decide(active)
            await self._happen(self._start(index, asked[index]) for index in active)
            await self._happen(self._complete(index, asked[index]) for index in active)
            await self._decide(active)

    async def _decide(self, indexes: Iterable[int]) -> None:
        told: list[_Told] = []
        for index in indexes:
            decided = decide(self.states[index], self._now_ms)
            assert decided is not None
            about = decided.correlation_id
            told.append((index, decided.event, decided.event_id, about, "/pixelpop/decider"))
        await self._happen(told)

    async def _happen(self, facts: Iterable[_Told]) -> None:
        told = list(facts)
        records = [
            Outgoing(
                event.account_id.encode(),
                encode(event),
                headers_for(
                    event, event_id, source=source, time_ms=self._now_ms, correlation_id=about
                ),
            )
            for _, event, event_id, about, source in told
        ]
        times = await self._append(records)
        for (index, event, event_id, *_), record, at_ms in zip(told, records, times, strict=True):
            recorded = Recorded(event, record.value, hash_value(record.value), at_ms, event_id)
            self.states[index], void = apply(self.states[index], recorded)
            assert void is None, f"{void}: {event}"
        self._now_ms = max(times, default=self._now_ms)

    def _sign_up(self, index: int) -> _Told:
        account_id = self.states[index].account_id
        event = UserRegistered(
            account_id=account_id,
            occurred_at_ms=self._now_ms,
            welcome_credits=WELCOME_CREDITS,
            display_name=self._sealed(40),
            language="en",
        )
        event_id = fact_id(account_id, "registered")
        return index, event, event_id, account_id, "/pixelpop/gateway"

    def _ask(self, index: int, generation: GenerationId) -> _Told:
        event = GenerationRequested(
            account_id=self.states[index].account_id,
            occurred_at_ms=self._now_ms,
            generation_id=generation,
            kind="image",
            prompt=self._sealed(120),
            style_id=self._chance.choice(("none", "photo", "pixel", "poster")),
            size="1024x1024",
            count=1,
            seed=self._chance.getrandbits(31),
            model="preview",
            quality="standard",
            body_mac=f"{self._chance.getrandbits(256):064x}",
        )
        return index, event, fact_id(generation, "requested"), generation, "/pixelpop/gateway"

    def _start(self, index: int, generation: GenerationId) -> _Told:
        event = GenerationStarted(
            account_id=self.states[index].account_id,
            occurred_at_ms=self._now_ms,
            generation_id=generation,
            attempt=1,
            provider="local",
        )
        return index, event, fact_id(generation, "started:1"), generation, "/pixelpop/worker"

    def _complete(self, index: int, generation: GenerationId) -> _Told:
        account_id = self.states[index].account_id
        stored = f"generations/{account_id}/{generation}/0"
        image = Image(
            image_id=image_id(generation, 0),
            index=0,
            object_key=f"{stored}.png",
            preview_key=f"{stored}.webp",
            width=1024,
            height=1024,
            content_type="image/png",
            size_bytes=self._chance.randrange(200_000, 2_000_000),
            sha256=f"{self._chance.getrandbits(256):064x}",
        )
        event = GenerationCompleted(
            account_id=account_id,
            occurred_at_ms=self._now_ms,
            generation_id=generation,
            images=(image,),
            provider="local",
            model="preview",
        )
        return index, event, fact_id(generation, "completed"), generation, "/pixelpop/worker"

    def _sealed(self, characters: int) -> Sealed:
        return Sealed(f"v1.{self._chance.getrandbits(characters * 4):0{characters}x}")
