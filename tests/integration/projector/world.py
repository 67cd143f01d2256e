"""Random valid histories of everything that can happen, with duplicates, voids and poison."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from benchmarks.synthetic import Append
from commands.decide import decide
from events import ids
from events.accounts import AccountErased, UserRegistered
from events.base import Sealed
from events.codec import Event, encode
from events.envelope import headers_for
from events.fold import apply
from events.generations import (
    GenerationCancelled,
    GenerationCompleted,
    GenerationDeleted,
    GenerationFailed,
    GenerationRequested,
    GenerationRestored,
    GenerationStarted,
    Image,
    ImageDeleted,
    Moderation,
)
from events.ids import AccountId, EventId, GenerationId, SourceId
from events.moderation import PASSED, PICTURE, PROMPT, REFUSED, ModerationVerdict
from events.preferences import ConsentGiven, ConsentWithdrawn, PreferencesChanged
from events.purchases import CreditsPurchased, PurchaseRefunded
from events.recorded import Recorded, hash_value
from events.state import Account
from events.telegram import TelegramChatChanged
from runtime.kafka.records import Outgoing
from tests.integration.projector import grants
from tests.integration.projector.several import KEYS, asked, generation_of


class World:
    """Accounts that live at random; every event goes through `append`."""

    def __init__(self, append: Append, accounts: int, seed: int) -> None:
        self._append = append
        self._chance = random.Random(seed)
        self.states = [
            Account(account_id=AccountId(ids.derive("test-account", str(seed), str(n))))
            for n in range(accounts)
        ]
        self._now_ms = 0
        self._told: list[tuple[Event, Outgoing]] = []

    async def live(self, rounds: int) -> None:
        """So often, something happens to everybody, and the decider decides what is due."""
        everybody = range(len(self.states))
        await self._happen([self._sign_up(index) for index in everybody])
        await self._decide()
        for _ in range(rounds):
            await self._happen([self._something(index) for index in everybody])
            if self._chance.random() < 0.5:  # else facts pile up before the decider comes
                await self._decide()
            await self._meddle()
        await self._decide()

    async def _decide(self) -> None:
        while True:
            due = [decide(state, self._now_ms) for state in self.states]
            events = [one.event for one in due if one is not None]
            if not events:
                return
            await self._happen(events)

    async def _meddle(self) -> None:
        """Append old records again: duplicates of facts, and decisions that are void now."""
        again = self._chance.sample(self._told, k=min(3, len(self._told)))
        await self._store([event for event, _ in again], [record for _, record in again])

    async def _happen(self, events: Sequence[Event]) -> None:
        records = [
            Outgoing(
                event.account_id.encode(),
                encode(event),
                headers_for(
                    event,
                    EventId(ids.derive("test", str(self._chance.random()))),
                    source="/test",
                    time_ms=self._now_ms,
                    correlation_id="test",
                ),
            )
            for event in events
        ]
        self._told += zip(events, records, strict=True)
        await self._store(events, records)

    async def _store(self, events: Sequence[Event], records: Sequence[Outgoing]) -> None:
        times = await self._append(records)
        by_id = {state.account_id: index for index, state in enumerate(self.states)}
        for event, record, at_ms in zip(events, records, times, strict=True):
            recorded = Recorded(event, record.value, hash_value(record.value), at_ms)
            index = by_id[event.account_id]
            self.states[index], _ = apply(self.states[index], recorded)
            self._now_ms = max(self._now_ms, at_ms)

    def _something(self, index: int) -> Event:
        event: Any = self._chance.choices(
            (
                self._ask,
                self._start,
                self._complete,
                self._fail,
                self._cancel,
                self._delete,
                self._restore,
                self._delete_image,
                self._buy,
                self._refund,
                self._choose,
                self._agree,
                self._withdraw,
                self._leave,
                self._block,
                self._grant,
                self._judge,
            ),
            weights=(30, 15, 20, 6, 4, 6, 5, 4, 8, 4, 3, 3, 1, 1, 3, 8, 6),
        )[0](self.states[index].account_id)
        return replace(event, occurred_at_ms=self._now_ms)

    def _generation(self, account_id: AccountId) -> GenerationId:
        return generation_of(self._chance, account_id)

    def _sign_up(self, index: int) -> Event:
        account_id = self.states[index].account_id
        return UserRegistered(
            account_id=account_id,
            occurred_at_ms=0,
            welcome_credits=self._chance.choice((0, 5)),
            display_name=Sealed("v1.bmFtZQ"),
        )

    def _ask(self, account_id: AccountId) -> Event:
        prohibited = Moderation("rule-1", "1") if self._chance.random() < 0.1 else None
        one = GenerationRequested(
            account_id=account_id,
            occurred_at_ms=0,
            generation_id=self._generation(account_id),
            kind="image",
            prompt=Sealed("v1.cHJvbXB0"),
            style_id=self._chance.choice(("none", "photo")),
            size="1024x1024",
            count=self._chance.randint(1, 4),
            seed=self._chance.getrandbits(31),
            model="preview",
            quality="standard",
            body_mac="0" * 64,
            prohibited=prohibited,
        )
        return asked(self._chance, one)

    def _start(self, account_id: AccountId) -> Event:
        return GenerationStarted(
            account_id=account_id,
            occurred_at_ms=0,
            generation_id=self._generation(account_id),
            attempt=self._chance.randint(1, 2),
            provider="local",
        )

    def _complete(self, account_id: AccountId) -> Event:
        generation = self._generation(account_id)
        images = tuple(
            Image(
                image_id=ids.image_id(generation, index),
                index=index,
                object_key=f"{generation}/{index}.png",
                preview_key=f"{generation}/{index}.webp",
                width=8,
                height=8,
                content_type="image/png",
                size_bytes=self._chance.randrange(1000),
                sha256="0" * 64,
            )
            for index in range(self._chance.randint(0, 4))
        )
        return GenerationCompleted(
            account_id=account_id,
            occurred_at_ms=0,
            generation_id=generation,
            images=images,
            failed_count=self._chance.randint(0, 1),
            provider="local",
            model="preview",
            safety=self._chance.choice(("checked", "unchecked")),
        )

    def _judge(self, account_id: AccountId) -> Event:
        verdict = self._chance.choice((PASSED, REFUSED))
        return ModerationVerdict(
            account_id=account_id,
            occurred_at_ms=0,
            generation_id=self._generation(account_id),
            stage=self._chance.choice((PROMPT, PICTURE)),
            verdict=verdict,
            rule_id=None if verdict == PASSED else "sexual",
            reason="",
            provider="openai",
            list_version="1",
            index=self._chance.choice((None, 0, 1)),
        )

    def _fail(self, account_id: AccountId) -> Event:
        return GenerationFailed(
            account_id=account_id,
            occurred_at_ms=0,
            generation_id=self._generation(account_id),
            reason="provider_refused",
            detail="No.",
        )

    def _cancel(self, account_id: AccountId) -> Event:
        return GenerationCancelled(
            account_id=account_id, occurred_at_ms=0, generation_id=self._generation(account_id)
        )

    def _delete(self, account_id: AccountId) -> Event:
        return GenerationDeleted(
            account_id=account_id, occurred_at_ms=0, generation_id=self._generation(account_id)
        )

    def _restore(self, account_id: AccountId) -> Event:
        return GenerationRestored(
            account_id=account_id, occurred_at_ms=0, generation_id=self._generation(account_id)
        )

    def _delete_image(self, account_id: AccountId) -> Event:
        generation = self._generation(account_id)
        return ImageDeleted(
            account_id=account_id,
            occurred_at_ms=0,
            generation_id=generation,
            image_id=ids.image_id(generation, self._chance.randrange(4)),
        )

    def _purchase(self, account_id: AccountId) -> SourceId:
        return SourceId(ids.derive("purchase", account_id, str(self._chance.randrange(KEYS))))

    def _buy(self, account_id: AccountId) -> Event:
        return CreditsPurchased(
            account_id=account_id,
            occurred_at_ms=0,
            purchase_id=self._purchase(account_id),
            provider="stars",
            pack_id="starter",
            credits=self._chance.randint(1, 20),
            amount=50,
            currency="XTR",
        )

    def _refund(self, account_id: AccountId) -> Event:
        return PurchaseRefunded(
            account_id=account_id,
            occurred_at_ms=0,
            purchase_id=self._purchase(account_id),
            refund_id="r",
            reason="refund",
        )

    def _grant(self, account_id: AccountId) -> Event:
        return grants.something(self._chance, account_id)

    def _choose(self, account_id: AccountId) -> Event:
        changes: Any = self._chance.choice(
            ({"language": "fr"}, {"language": None}, {"analytics": False}, {"default_size": "8x8"})
        )
        return PreferencesChanged(account_id=account_id, occurred_at_ms=0, **changes)

    def _agree(self, account_id: AccountId) -> Event:
        purpose = self._chance.choice(("terms", "marketing"))
        return ConsentGiven(account_id=account_id, occurred_at_ms=0, purpose=purpose, version="1")

    def _withdraw(self, account_id: AccountId) -> Event:
        return ConsentWithdrawn(
            account_id=account_id, occurred_at_ms=0, purpose="marketing", version="1"
        )

    def _block(self, account_id: AccountId) -> Event:
        return TelegramChatChanged(
            account_id=account_id,
            occurred_at_ms=0,
            reachable=self._chance.random() < 0.5,
            update_id=self._chance.randrange(1000),
        )

    def _leave(self, account_id: AccountId) -> Event:
        return AccountErased(account_id=account_id, occurred_at_ms=0, reason="user")
