"""What the gateway reads out of log records: only the parts that people who wait or watch need.

The gateway's tail sees every record of the log, so it decodes as little as it can: types nobody
waits for are told by their `ce_type` header and skipped, and of the others only these fields are
parsed. Field names and meanings are those of `events`.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from events import accounts, generations
from events import credits as ledger
from events.admin import (
    AccountBanned,
    AccountUnbanned,
    ApiKeyRevoked,
    RoleGranted,
    RoleRevoked,
)
from events.batches import BatchRequested
from events.envelope import type_header_of
from events.gifts import GiftReturned, GiftSent
from events.ids import UuidText


class Requested(msgspec.Struct, frozen=True, gc=False):
    """Of `GenerationRequested`."""

    account_id: str
    generation_id: str
    body_mac: str


class AskedForSeveral(msgspec.Struct, frozen=True, gc=False):
    """Of `BatchRequested`."""

    account_id: str
    batch_id: str
    requests: tuple[Requested, ...]


class Ending(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Of what may be the last that becomes of a generation."""

    ended_batch: str | None = None
    """Not in the log: the batch of which this was the last generation that was not finished."""


class Decided(Ending, frozen=True, gc=False, kw_only=True):
    """Of every decision: its place in the chain."""

    account_id: str
    sequence: int
    previous_hash: str
    cause_hash: str


class Reserved(Decided, frozen=True, gc=False, kw_only=True):
    """Of `CreditsReserved`."""

    generation_id: str
    credits: int
    deadline_ms: int


class Rejected(Decided, frozen=True, gc=False, kw_only=True):
    """Of `GenerationRejected`."""

    generation_id: str
    reason: str
    credits_needed: int = 0
    credits_available: int = 0
    retry_after_ms: int = 0
    rule_id: str | None = None


class Settled(Decided, frozen=True, gc=False, kw_only=True):
    """Of `CreditsSettled`."""

    generation_id: str
    outcome: str
    captured: int
    returned: int


class Moved(Decided, frozen=True, gc=False, kw_only=True):
    """Of `CreditsGranted`, `CreditsRevoked`, `CreditsExpired`."""

    credits: int
    why: str


class Granted(Moved, frozen=True, gc=False, kw_only=True):
    """Of `CreditsGranted`."""


class Given(Moved, frozen=True, gc=False, kw_only=True):
    """Of `GiftSent`."""

    why: str = "gift"


class GivenBack(Granted, frozen=True, gc=False, kw_only=True):
    """Of `GiftReturned`."""

    why: str = "gift_returned"


class Started(msgspec.Struct, frozen=True, gc=False):
    """Of `GenerationStarted`."""

    account_id: str
    generation_id: str
    provider: str


class Picture(msgspec.Struct, frozen=True, gc=False):
    """Of an image."""

    image_id: str


class Completed(Ending, frozen=True, gc=False):
    """Of `GenerationCompleted`."""

    account_id: str
    generation_id: str
    images: tuple[Picture, ...]
    failed_count: int = 0
    finishing_ms: int = 0


class Failed(Ending, frozen=True, gc=False):
    """Of `GenerationFailed`."""

    account_id: str
    generation_id: str
    reason: str
    detail: str


class Cancelled(Ending, frozen=True, gc=False):
    """Of `GenerationCancelled`."""

    account_id: str
    generation_id: str


class Binned(msgspec.Struct, frozen=True, gc=False):
    """Of what moves a generation or an image to the bin or back."""

    account_id: str
    generation_id: str
    image_id: str | None = None
    type: str = ""


class Erased(msgspec.Struct, frozen=True, gc=False):
    """Of `AccountErased`."""

    account_id: UuidText


class AccessChanged(msgspec.Struct, frozen=True, gc=False):
    """Of what changes what an account may do, or what speaks for it; no change that is shown."""

    account_id: UuidText
    type: str

    @property
    def less(self) -> bool:
        """Whether something was taken away."""
        return self.type != RoleGranted.__struct_config__.tag


Change = (
    Requested
    | AskedForSeveral
    | Reserved
    | Rejected
    | Settled
    | Moved
    | Granted
    | Given
    | GivenBack
    | Started
    | Completed
    | Failed
    | Cancelled
    | Binned
    | Erased
)

DECODERS: Final[dict[bytes, Any]] = {
    type_header_of(event)[1]: msgspec.json.Decoder(part).decode
    for event, part in (
        (generations.GenerationRequested, Requested),
        (BatchRequested, AskedForSeveral),
        (ledger.CreditsReserved, Reserved),
        (generations.GenerationRejected, Rejected),
        (ledger.CreditsSettled, Settled),
        (ledger.CreditsGranted, Granted),
        (ledger.CreditsRevoked, Moved),
        (ledger.CreditsExpired, Moved),
        (GiftSent, Given),
        (GiftReturned, GivenBack),
        (generations.GenerationStarted, Started),
        (generations.GenerationCompleted, Completed),
        (generations.GenerationFailed, Failed),
        (generations.GenerationCancelled, Cancelled),
        (generations.GenerationDeleted, Binned),
        (generations.GenerationRestored, Binned),
        (generations.ImageDeleted, Binned),
        (generations.ImageRestored, Binned),
        (accounts.AccountErased, Erased),
        (RoleGranted, AccessChanged),
        (RoleRevoked, AccessChanged),
        (AccountBanned, AccessChanged),
        (AccountUnbanned, AccessChanged),
        (ApiKeyRevoked, AccessChanged),
    )
}
"""By the `ce_type` header's bytes; what is missing here is of no interest to the gateway."""
