"""Everything that can have happened to credits: the ledger. All of it is chained (design §3).

Accounts of the double entry, and what a positive balance of each means:

- `world:stars`, `world:stripe`, `world:local`, `world:welcome`, …: where credits come from; minus
  what entered. `world:gift`: between people; over all accounts, what is on its way.
- `user:available`: spendable. `user:reserved`: promised to a generation.
- `user:debt`: zero or negative; what the user owes after a refund of credits already used.
- `pixelpop:earned`: captured for delivered pictures. `pixelpop:expired`, `pixelpop:written_off`.
"""

from __future__ import annotations

from events.base import Decision, Draw, Millis, Moved, Natural
from events.ids import GenerationId, SourceId

AVAILABLE = "user:available"
RESERVED = "user:reserved"
DEBT = "user:debt"
EARNED = "pixelpop:earned"
EXPIRED = "pixelpop:expired"
WRITTEN_OFF = "pixelpop:written_off"


def world(origin: str) -> str:
    """The double-entry account of where credits come from and, refunded, return to."""
    return f"world:{origin}"


class CreditsGranted(Decision, frozen=True, kw_only=True, gc=False, tag="CreditsGranted.v1"):
    """Credits enter; a debt is paid first."""

    source_id: SourceId
    """What entitles to them; also the id of the grant. Decided once, for ever."""
    why: str
    """`purchase`, `welcome`, `promotion`, `referral`, `gift`, `goodwill`."""
    origin: str
    """The payment provider, or `why` where nobody paid."""
    credits: Moved
    debt_paid: Moved = 0
    expires_at_ms: Millis | None = None


class CreditsReserved(Decision, frozen=True, kw_only=True, gc=False, tag="CreditsReserved.v1"):
    """The generation is admitted, and its price is set aside."""

    generation_id: GenerationId
    credits: Moved
    price: Moved
    """Credits for one picture; what a delivered picture captures."""
    draws: tuple[Draw, ...]
    """The grants drawn on, in the order in which they are captured."""
    deadline_ms: Millis
    """Without a result in the log by then, everything returns."""
    bucket_tokens_ms: Natural
    """What the account's token bucket holds afterwards, in milliseconds of refill."""


class CreditsSettled(Decision, frozen=True, kw_only=True, gc=False, tag="CreditsSettled.v1"):
    """The reservation ends: so much captured, the rest returned."""

    generation_id: GenerationId
    outcome: str
    """`completed`, `failed`, `cancelled`, `timed_out` or `erased`."""
    captured: Moved
    returned: Moved
    debt_paid: Moved = 0
    """Of what is returned, this much pays a debt,"""
    expired: Moved = 0
    """this much belonged to a grant that has expired and expires with it,"""
    returns: tuple[Draw, ...] = ()
    """and the rest becomes available again in these grants."""


class CreditsRevoked(Decision, frozen=True, kw_only=True, gc=False, tag="CreditsRevoked.v1"):
    """A purchase was refunded or charged back: its credits leave again."""

    source_id: SourceId
    refund_id: str
    why: str
    """`refund` or `chargeback`."""
    origin: str
    credits: Moved
    draws: tuple[Draw, ...] = ()
    """What could still be taken; the rest becomes a debt,"""
    debt_added: Moved = 0


class CreditsExpired(Decision, frozen=True, kw_only=True, gc=False, tag="CreditsExpired.v1"):
    """Credits end unused, with their grant or with their account."""

    why: str
    """`expiry`, or `erasure`: then the whole balance and any debt are written off."""
    draws: tuple[Draw, ...]
    credits: Moved
    debt_written_off: Moved = 0
