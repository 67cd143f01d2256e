"""Claims: who may call an image provider for a generation, and how far that call got.

A row of `provider_calls` is durable before the call (design §4). Whoever holds its lease may go
on; a lease that nobody renews ends, and taking it over raises the epoch, which every update
names. All times are PostgreSQL's, so that the clocks of the workers do not matter.

Epochs are raised by a random step. So whoever repeats a statement because its answer was lost can
tell its own success from another worker's.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from events.ids import AccountId, GenerationId
from processors.worker.claim import Claim, Lease
from runtime.errors import PixelpopError
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries

__all__ = [
    "ATTEMPTS_MAX",
    "Claim",
    "Claims",
    "Lease",
    "LeaseLost",
    "random_step",
]

_QUERIES = load_queries(Path(__file__).with_name("claims.sql"))

ATTEMPTS_MAX = 2
"""Paid calls of one generation: the first, and at most one more when its outcome is unknown."""


STEP_MAX = 2**40


def random_step() -> int:
    """How far an epoch is raised; nobody else will raise it by as much."""
    return random.randint(1, STEP_MAX)  # noqa: S311  no secret


class LeaseLost(PixelpopError):
    """Another worker took this claim over; what it found or does now counts."""

    code = "lease-lost"


class Claims:
    """The table `provider_calls`, as a worker uses it.

    Every method may raise `DatabaseUnavailable`; all are safe to repeat then.

    Args:
        pool: connected as the worker.
        holder: this process, by an id that no other ever has.
        lease_seconds: how long a lease lasts unless it is renewed.
    """

    def __init__(self, pool: Pool, *, holder: UUID, lease_seconds: float) -> None:
        self._pool = pool
        self._holder = holder
        self._lease_seconds = lease_seconds

    async def take(
        self, generation_id: GenerationId, account_id: AccountId, provider: str, step: int
    ) -> Lease | None:
        """Claim the first call; None: somebody was faster, or cancelled.

        `step` is of `random_step()`, the same when this is repeated.
        """
        lease = Lease(generation_id, account_id, 1, step)
        values = UUID(generation_id), UUID(account_id), provider, self._lease_seconds, step
        if await self._value("take", *values, self._holder) is not None:
            return lease
        return lease if await self._is_held(lease) else None

    async def latest(self, generation_id: GenerationId) -> Claim | None:
        """How far the generation got; None: nobody has claimed it."""
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(_QUERIES.latest, UUID(generation_id))
        if row is None:
            return None
        return Claim(
            generation_id,
            row["attempt"],
            row["state"],
            row["lease_epoch"],
            row["lease_seconds"] or 0.0,
            row["provider"],
            row["provider_ref"],
            _indices(row["asked"]),
            _indices(row["expected"]),
            row["result"],
            row["paid_micros"],
            tuple(row["tried"]),
            row["uncertain"],
        )

    async def take_over(self, claim: Claim, account_id: AccountId, step: int) -> Lease | None:
        """Take a claim whose lease has ended; None: it was renewed, taken or finished since."""
        epoch = claim.lease_epoch + step
        lease = Lease(claim.generation_id, account_id, claim.attempt, epoch)
        seen = UUID(claim.generation_id), claim.attempt, claim.lease_epoch
        values = *seen, self._lease_seconds, epoch, self._holder
        if await self._value("take_over", *values) is not None:
            return lease
        return lease if await self._is_held(lease) else None

    async def renew(self, leases: list[Lease]) -> set[GenerationId]:
        """Renew many at once; returns those that are still held."""
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(
                _QUERIES.renew,
                [UUID(lease.generation_id) for lease in leases],
                [lease.attempt for lease in leases],
                [lease.epoch for lease in leases],
                self._lease_seconds,
            )
        return {GenerationId(str(row["generation_id"])) for row in rows}

    async def confirm(self, lease: Lease) -> None:
        """Renew one lease now, because it may have ended unnoticed.

        Raises:
            LeaseLost: somebody took the claim over.
        """
        if lease.generation_id not in await self.renew([lease]):
            raise _lost(lease)

    async def submitted(self, lease: Lease, provider_ref: str) -> None:
        """Note the provider's own name of the call, by which it can be asked again.

        Raises:
            LeaseLost: so may all methods below.
        """
        await self._guarded("submitted", lease, provider_ref, done={"submitted"})

    async def answered(self, lease: Lease, expected: Sequence[int]) -> None:
        """The provider made fewer pictures than were asked for; only these will be stored."""
        done = {"submitting", "submitted"}
        await self._guarded("answered", lease, list(expected), done=done)

    async def stored(self, lease: Lease, result: bytes) -> None:
        """The pictures are in object storage, and this event will say so."""
        await self._guarded("stored", lease, result, done={"stored", "reported"})

    async def turn(self, lease: Lease, provider: str) -> None:
        """The provider that was asked surely did nothing: go on with this one."""
        await self._guarded("turn", lease, provider, done={"submitting"})

    async def reported(self, lease: Lease) -> None:
        """The log has acked the result."""
        await self._guarded("reported", lease, done={"reported"})

    async def failed(self, lease: Lease, result: bytes) -> None:
        """There will be no picture, and this event says why."""
        await self._guarded("failed", lease, result, done={"failed"})

    async def call_again(
        self,
        lease: Lease,
        provider: str,
        step: int,
        asked: Sequence[int],
        *,
        uncertain: bool = True,
        paid_micros: int = 0,
    ) -> Lease:
        """Begin the next attempt, for these pictures.

        Args:
            lease: on the last one.
            provider: whom to call.
            step: of `random_step()`, the same when this is repeated.
            asked: which pictures the call is for.
            uncertain: whether the last call's outcome was lost.
            paid_micros: what all attempts until now cost for certain.

        Raises:
            ValueError: there were `ATTEMPTS_MAX` already.
        """
        if lease.attempt >= ATTEMPTS_MAX:
            raise ValueError(f"{lease.generation_id} was called {lease.attempt} times already")
        after = Lease(lease.generation_id, lease.account_id, lease.attempt + 1, step)
        async with transaction(self._pool) as connection:
            if await connection.fetchval(_QUERIES.give_up_attempt, *lease.parts) is not None:
                await connection.execute(
                    _QUERIES.next_attempt,
                    UUID(after.generation_id),
                    after.attempt,
                    UUID(after.account_id),
                    provider,
                    self._lease_seconds,
                    step,
                    list(asked),
                    self._holder,
                    uncertain,
                    paid_micros,
                )
                return after
        if await self._is_held(after):
            return after
        raise _lost(lease)

    async def let_go(self, lease: Lease) -> None:
        """End the lease now; not an error when it is not held any more."""
        async with transaction(self._pool) as connection:
            await connection.execute(_QUERIES.let_go, *lease.parts)

    async def free(self, holders: Sequence[UUID]) -> int:
        """End the leases of processes that are known to have ended; returns how many there were.

        To be wrong about that would cost at most one more call for each: every update of theirs
        still names its epoch.
        """
        if not holders:
            return 0
        async with transaction(self._pool) as connection:
            return len(await connection.fetch(_QUERIES.free, list(holders)))

    async def _guarded(self, name: str, lease: Lease, *values: Any, done: set[str]) -> None:
        if await self._value(name, *lease.parts, *values) is not None:
            return
        # An earlier attempt of this very update may have been committed without an answer.
        if not await self._is_held(lease, done):
            raise _lost(lease)

    async def _is_held(self, lease: Lease, states: set[str] | None = None) -> bool:
        claim = await self.latest(lease.generation_id)
        if claim is None or not claim.is_held_by(lease):
            return False
        return states is None or claim.state in states

    async def _value(self, name: str, *values: Any) -> Any:
        async with transaction(self._pool) as connection:
            return await connection.fetchval(_QUERIES[name], *values)


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"The claim on {lease.generation_id} was taken over.")


def _indices(column: list[int] | None) -> tuple[int, ...] | None:
    return None if column is None else tuple(column)
