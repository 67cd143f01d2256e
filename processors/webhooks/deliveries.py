"""Deliveries: what is to be sent, whose turn it is, how each attempt ended; all in PostgreSQL.

A row of `webhook_deliveries` is made once per event and endpoint and stays long enough that the
same event, met again in the log, finds it. An attempt is claimed before it is made, as a paid
call is: whoever holds the lease may go on, every update names its epoch, and an attempt whose
process was lost stays in the log of attempts without an end.

Every method may raise `DatabaseUnavailable`, and all but `claim` are safe to repeat then; a claim
whose answer was lost is an attempt that nobody makes, and its lease ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

import msgspec

from events.ids import derive
from processors.webhooks.schedule import ATTEMPTS_MAX
from runtime.postgres.batching import Batcher
from runtime.postgres.pool import Connection, Pool, transaction
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("deliveries.sql"))

PRUNED_AT_ONCE: Final = 1_000
State = Literal["pending", "delivered", "failed"]


class Endpoint(msgspec.Struct, frozen=True):
    """Where what happens to an account is told."""

    endpoint_id: UUID
    event_types: frozenset[str]
    """Empty: all."""
    from_ms: int
    """By the log's clock: nothing from before is told."""

    def wants(self, event_type: str, appended_at_ms: int) -> bool:
        """Whether this is told here."""
        chosen = not self.event_types or event_type in self.event_types
        return chosen and appended_at_ms >= self.from_ms

    def delivery_id(self, event_id: UUID) -> UUID:
        """What the delivery of an event is called here; the receiver sees it as `webhook-id`."""
        return UUID(derive("webhook", str(self.endpoint_id), str(event_id)))


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed attempt: what to send where, and the right to do so."""

    delivery_id: UUID
    endpoint_id: UUID
    account_id: UUID
    payload: bytes
    attempt: int
    tries: int
    lease_epoch: int
    url: str
    secret_number: int
    secret: str
    """Sealed with the account's key; so is the one before it, where that still signs."""
    old_secret: str | None


class Deliveries:
    """The tables of migration 40, as the sender uses them.

    Args:
        pool: connected as `pixelpop_webhooks`.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._endpoints: Batcher[UUID, list[Endpoint]] = Batcher(pool, _endpoints_of)

    async def endpoints_of(self, account_id: UUID) -> Sequence[Endpoint]:
        """Where what happens to this account is told now."""
        return await self._endpoints.find(account_id) or ()

    async def plan(
        self,
        account_id: UUID,
        event_id: UUID,
        event_type: str,
        payload: bytes,
        endpoints: Sequence[Endpoint],
    ) -> int:
        """Put it down for every endpoint that does not have it yet; how many those are."""
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(
                _QUERIES.plan,
                [one.delivery_id(event_id) for one in endpoints],
                [one.endpoint_id for one in endpoints],
                account_id,
                event_id,
                event_type,
                payload,
            )
        return len(rows)

    async def claim(
        self, count_max: int, per_endpoint_max: int, busy: Mapping[UUID, int], lease_seconds: float
    ) -> list[Attempt]:
        """Take what is due; `busy`: how many are under way here, by endpoint."""
        async with transaction(self._pool) as connection:
            await connection.execute(_QUERIES.give_up_lost, ATTEMPTS_MAX)
            rows = await connection.fetch(
                _QUERIES.claim,
                count_max,
                per_endpoint_max,
                list(busy),
                list(busy.values()),
                ATTEMPTS_MAX,
                lease_seconds,
            )
        return [Attempt(**dict(row)) for row in rows]

    async def finish(
        self,
        attempt: Attempt,
        state: State,
        outcome: str,
        *,
        status: int | None = None,
        again_seconds: float = 0.0,
    ) -> None:
        """Note how an attempt ended; an attempt that was taken over changes nothing any more."""
        async with transaction(self._pool) as connection:
            await connection.execute(
                _QUERIES.finish,
                attempt.delivery_id,
                attempt.lease_epoch,
                attempt.attempt,
                state,
                again_seconds,
                outcome,
                status,
            )

    async def disable(self, endpoint_id: UUID) -> None:
        """Send nothing more there until its owner switches it on again."""
        async with transaction(self._pool) as connection:
            await connection.execute(_QUERIES.disable, endpoint_id)

    async def prune(self, older_than_seconds: float) -> bool:
        """Delete some that are older; whether there may be more."""
        async with transaction(self._pool) as connection:
            done = await connection.execute(_QUERIES.prune, older_than_seconds, PRUNED_AT_ONCE)
        return str(done) == f"DELETE {PRUNED_AT_ONCE}"


async def _endpoints_of(
    connection: Connection, accounts: Sequence[UUID]
) -> Mapping[UUID, list[Endpoint]]:
    found: dict[UUID, list[Endpoint]] = {}
    for row in await connection.fetch(_QUERIES.endpoints_of, list(accounts)):
        one = Endpoint(row["endpoint_id"], frozenset(row["event_types"]), row["from_ms"])
        found.setdefault(row["account_id"], []).append(one)
    return found
