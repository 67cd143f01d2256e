"""A claim on a generation as the table has it, and the right to go on with it."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import msgspec

from events.ids import AccountId, GenerationId


class Claim(msgspec.Struct, frozen=True):
    """A claim as the database has it."""

    generation_id: GenerationId
    attempt: int
    state: str
    """`submitting`, `submitted`, `stored`, `reported`, `failed` or `cancelled`."""
    lease_epoch: int
    lease_seconds: float
    """How long somebody still holds it; 0: nobody does."""
    provider: str | None
    provider_ref: str | None
    asked: tuple[int, ...] | None
    """Which pictures the call asked for; None: all."""
    expected: tuple[int, ...] | None
    """Which pictures there will be, where the answer held fewer; None: those asked for."""
    result: bytes | None
    """The value bytes of the event that tells the outcome, since `stored` or `failed`."""
    paid_micros: int = 0
    """What the attempts before this one cost for certain."""
    tried: tuple[str, ...] = ()
    """Providers that surely did nothing for it."""
    uncertain: bool = False
    """Whether the outcome of the attempt before this one was lost."""

    @property
    def is_over(self) -> bool:
        """Whether nobody may go on with it."""
        return self.state in {"reported", "failed", "cancelled"}

    def missing(self, wanted: Iterable[int], stored: Iterable[int]) -> tuple[int, ...]:
        """Which pictures of those wanted are neither stored nor refused by the provider."""
        may_come = self.expected or self.asked
        return tuple(
            sorted(
                index
                for index in set(wanted) - set(stored)
                if may_come is None or index in may_come
            )
        )

    def is_held_by(self, lease: Lease) -> bool:
        """Whether nobody has taken it over from this lease."""
        return (self.attempt, self.lease_epoch) == (lease.attempt, lease.epoch)


class Lease(msgspec.Struct, frozen=True):
    """The right to go on with one attempt, as long as nobody has taken it over."""

    generation_id: GenerationId
    account_id: AccountId
    attempt: int
    epoch: int

    @property
    def parts(self) -> tuple[UUID, int, int]:
        """What every guarded update names."""
        return UUID(self.generation_id), self.attempt, self.epoch
