"""Records of the log as Faust delivers them, and what the read models say of them."""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

import asyncpg

from events import codec
from events.codec import Event
from events.credits import CreditsRevoked, CreditsSettled
from events.envelope import headers_for
from events.generations import GenerationRejected, GenerationStarted
from events.ids import AccountId, EventId, GenerationId, SourceId, derive, fact_id
from events.moderation import AppealOverturned
from events.recorded import hash_value
from events.topics import EVENTS
from processors.worker.work import Delivery
from tests.integration.webhooks.yard import LEDGER, PASSED

NOW_MS = 1_767_225_600_000


class Log:
    """One partition of the log, of which one test makes the records."""

    owner: asyncpg.Connection

    def __init__(self) -> None:
        self._sequences: dict[UUID, int] = {}
        self._offset = 0

    async def settled(
        self, account_id: UUID, generation_id: UUID, outcome: str = "completed", **rest: Any
    ) -> Delivery:
        """The end of a generation, as Faust delivers it."""
        return await self.decided(
            account_id,
            CreditsSettled,
            generation_id=GenerationId(str(generation_id)),
            outcome=outcome,
            captured=1,
            returned=0,
            **rest,
        )

    async def rejected(
        self, account_id: UUID, generation_id: UUID, reason: str, **fields: Any
    ) -> Delivery:
        """A request that was not admitted."""
        about = GenerationId(str(generation_id))
        return await self.decided(
            account_id, GenerationRejected, generation_id=about, reason=reason, **fields
        )

    async def revoked(self, account_id: UUID, why: str = "refund", **fields: Any) -> Delivery:
        """Credits that left."""
        return await self.decided(
            account_id,
            CreditsRevoked,
            source_id=SourceId(str(uuid.uuid4())),
            refund_id="r1",
            why=why,
            origin="stars",
            credits=10,
            **fields,
        )

    async def decided(
        self,
        account_id: UUID,
        kind: Any,
        *,
        counts: bool = True,
        appended_at_ms: int = NOW_MS,
        **fields: Any,
    ) -> Delivery:
        """A decision as Faust delivers it; `counts`: the read models say that it does."""
        sequence = self._sequences[account_id] = self._sequences.get(account_id, 0) + 1
        event = kind(
            account_id=AccountId(str(account_id)),
            sequence=sequence,
            previous_hash="0" * 64,
            cause_hash=f"{sequence:064d}",
            decided_at_ms=appended_at_ms,
            **fields,
        )
        event_id = EventId(derive("test", str(account_id), str(sequence)))
        delivery = self._delivery(event, event_id, appended_at_ms)
        if counts:
            value_hash = hash_value(delivery.value or b"")
            await self.owner.execute(LEDGER, account_id, sequence, value_hash)
        await self.owner.execute(PASSED, 0, delivery.offset + 1)
        return delivery

    def started(self, account_id: UUID, generation_id: UUID, attempt: int = 1) -> Delivery:
        """A worker began."""
        event = GenerationStarted(
            account_id=AccountId(str(account_id)),
            occurred_at_ms=NOW_MS,
            generation_id=GenerationId(str(generation_id)),
            attempt=attempt,
            provider="local",
        )
        return self._delivery(event, fact_id(str(generation_id), f"started:{attempt}"), NOW_MS)

    def overturned(self, account_id: UUID, generation_id: UUID) -> Delivery:
        """An admin lets a refused request be asked again."""
        event = AppealOverturned(
            account_id=AccountId(str(account_id)),
            occurred_at_ms=NOW_MS,
            actor=AccountId(str(account_id)),
            generation_id=GenerationId(str(generation_id)),
            appeal_id=str(generation_id),
            body_mac="0" * 64,
            before=("open",),
            after=("overturned",),
        )
        return self._delivery(event, fact_id(str(generation_id), "overturned"), NOW_MS)

    def _delivery(self, event: Event, event_id: EventId, appended_at_ms: int) -> Delivery:
        self._offset += 1
        headers = headers_for(
            event, event_id, source="/test", time_ms=appended_at_ms, correlation_id=event_id
        )
        return Delivery(
            topic=EVENTS,
            partition=0,
            offset=self._offset,
            assignment=1,
            appended_at_ms=appended_at_ms,
            key=event.account_id.encode(),
            value=codec.encode(event),
            headers=tuple(headers),
            ack=lambda: None,
        )
