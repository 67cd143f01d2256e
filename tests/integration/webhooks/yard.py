"""A yard for senders of webhooks: accounts, endpoints, decisions; what they read is put there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Self
from uuid import UUID

import asyncpg
import msgspec

from events import codec
from events.credits import CreditsGranted
from events.envelope import headers_for
from events.ids import AccountId, SourceId, decision_id
from events.recorded import hash_value
from events.topics import EVENTS
from processors.outward.decisions import Decisions
from processors.outward.planning import Told
from processors.webhooks.deliveries import Deliveries
from processors.webhooks.planning import Planner
from processors.webhooks.sender import Pace, Sender
from processors.worker.work import Delivery
from projections import schema
from runtime.crypto.keys import AccountKeys, new_account_key, wrap
from runtime.crypto.master import master_keys
from runtime.crypto.sealing import seal
from runtime.kafka.clock import BrokerClock
from runtime.outbound.addresses import AddressPolicy, networks_in
from runtime.outbound.client import GuardedClient
from runtime.postgres.account_keys import wrapped_key_loader
from runtime.postgres.pool import Pool, open_pool
from runtime.settings import Settings
from tests.unit.webhooks.test_signing import OTHER, SECRET

NOW_MS = 1_767_225_600_000
PACE = Pace(
    sends=8,
    sends_per_endpoint=2,
    timeout_seconds=1.0,
    poll_seconds=0.05,
    keep_seconds=30 * 86_400.0,
    retry_seconds=5.0,
)
LEDGER = """
INSERT INTO read_v1.ledger (
    account_id, sequence, type, at_ms, about, credits, available_after, detail, postings,
    value_hash, log_partition, log_offset
) VALUES ($1, $2, 'CreditsGranted', 0, '', 0, 0, '{}', '[]', $3, 0, 0)
"""
PASSED = """
INSERT INTO read_v1.projection_offsets (
    projection, partition, topic, next_offset, fold_version, hash_before, epoch, owner
) VALUES ('read', $1, 't', $2, 1, '', 1, '')
ON CONFLICT (projection, partition) DO UPDATE SET next_offset = excluded.next_offset
"""


class NoDlq:
    """A producer that takes dead letters."""

    def __init__(self) -> None:
        self.dead: list[Any] = []

    async def append(self, topic: str, outgoing: Any) -> None:
        self.dead.append((topic, outgoing))


class Yard:
    """One test's database, and a planner and senders on it."""

    def __init__(self, settings_for: Callable[[str], Settings], owner: Settings) -> None:
        self._settings_for = settings_for
        self._owner = owner
        self._stack = AsyncExitStack()
        self.producer = NoDlq()
        self.woken = 0

    async def __aenter__(self) -> Self:
        self.owner = await asyncpg.connect(self._owner.database_url)
        self._stack.push_async_callback(self.owner.close)
        projector = await self._pool("projector")
        await schema.ensure(projector)
        self.pool = await self._pool("webhooks")
        self.deliveries = Deliveries(self.pool)
        self.decisions = Decisions(self.pool)
        self.clock = BrokerClock()
        self.clock.observe(NOW_MS)
        self.planner = self.another_planner()
        self.client = GuardedClient(AddressPolicy(networks_in("127.0.0.0/8", "")))
        self._stack.push_async_callback(self.client.close)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _pool(self, process: str) -> Pool:
        pool = await open_pool(self._settings_for(process), application_name="test")
        self._stack.push_async_callback(pool.close)
        return pool

    def another_planner(self) -> Planner:
        def planned() -> None:
            self.woken += 1

        return Planner(
            self.deliveries,
            self.decisions,
            self.producer,  # type: ignore[arg-type]  # takes what it is given
            self.clock,
            max_age_seconds=7 * 86_400.0,
            retry_seconds=5.0,
            planned=planned,
        )

    def sender(self, **changes: Any) -> Sender:
        """One more sender, not running."""
        masters = master_keys(self._owner)
        keys = AccountKeys(wrapped_key_loader(self.pool), masters)
        pace = msgspec.structs.replace(PACE, **changes)
        return Sender(self.deliveries, keys, self.client, pace)

    async def account(self) -> UUID:
        """A new account with a key."""
        account_id = uuid.uuid4()
        self.key = new_account_key()
        master = master_keys(self._owner).current
        await self.owner.execute(
            "INSERT INTO identities (account_id, wrapped_key, master_key_id) VALUES ($1, $2, $3)",
            account_id,
            wrap(master, self.key, account_id),
            master.id,
        )
        return account_id

    async def endpoint(
        self,
        account_id: UUID,
        url: str = "https://hooks.example.com/",
        *,
        types: tuple[str, ...] = (),
        from_ms: int = 0,
        old: bool = False,
    ) -> UUID:
        """An endpoint as the gateway makes it; `old`: with a second live secret."""
        endpoint_id = uuid.uuid4()
        number = 2 if old else 1

        def sealed(secret: str, which: int) -> str:
            return seal(
                self.key,
                secret,
                account_id=account_id,
                event_id=endpoint_id,
                field=f"secret {which}",
            )

        await self.owner.execute(
            "INSERT INTO webhook_endpoints (endpoint_id, account_id, url, description, "
            "event_types, secret_number, secret, old_secret, old_secret_until, from_ms) "
            "VALUES ($1, $2, $3, '', $4, $5, $6, $7, CASE WHEN $7::text IS NOT NULL THEN "
            "now() + interval '1 hour' END, $8)",
            endpoint_id,
            account_id,
            url,
            list(types),
            number,
            sealed(SECRET, number),
            sealed(OTHER, number - 1) if old else None,
            from_ms,
        )
        return endpoint_id

    async def decided(
        self,
        account_id: UUID,
        sequence: int = 1,
        *,
        credits: int = 5,  # noqa: A002  as the event says
        counts: bool = True,
        passed: bool = True,
        appended_at_ms: int = NOW_MS,
        offset: int | None = None,
    ) -> Delivery:
        """A decision as Faust delivers it; `counts`: the read models say that it does."""
        account = AccountId(str(account_id))
        event = CreditsGranted(
            account_id=account,
            sequence=sequence,
            previous_hash="0" * 64,
            cause_hash=f"{sequence:064d}",
            decided_at_ms=appended_at_ms,
            source_id=SourceId(str(uuid.uuid4())),
            why="purchase",
            origin="local",
            credits=credits,
        )
        value = codec.encode(event)
        event_id = decision_id(event.previous_hash, event.cause_hash, account)
        headers = headers_for(
            event, event_id, source="/test", time_ms=appended_at_ms, correlation_id=account
        )
        offset = sequence if offset is None else offset
        if counts:
            await self.owner.execute(LEDGER, account_id, sequence, hash_value(value))
        if passed:
            await self.owner.execute(PASSED, 0, offset + 1)
        return Delivery(
            topic=EVENTS,
            partition=0,
            offset=offset,
            assignment=1,
            appended_at_ms=appended_at_ms,
            key=account.encode(),
            value=value,
            headers=tuple(headers),
            ack=lambda: None,
        )

    async def tell(self, delivery: Delivery, planner: Planner | None = None) -> None:
        """Have a record planned."""
        await (planner or self.planner).perform(Told(delivery), delivery)

    async def planned(self) -> list[asyncpg.Record]:
        """All deliveries, oldest first."""
        return await self.owner.fetch(
            "SELECT * FROM webhook_deliveries ORDER BY created_at, delivery_id"
        )

    async def attempts(self) -> list[tuple[int, str | None, int | None]]:
        """All attempts: number, outcome, status."""
        rows = await self.owner.fetch("SELECT * FROM webhook_attempts ORDER BY started_at, attempt")
        return [(row["attempt"], row["outcome"], row["status"]) for row in rows]

    async def make_due(self) -> None:
        """Let all pauses and leases be over."""
        await self.owner.execute(
            "UPDATE webhook_deliveries SET due_at = now() - interval '1 second', "
            "lease_until = CASE WHEN lease_until IS NULL THEN NULL "
            "ELSE now() - interval '1 second' END WHERE state = 'pending'"
        )
