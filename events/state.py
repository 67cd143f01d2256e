"""What is known of one account after folding its part of the log.

Everything here is immutable: a state is shared freely between the confirmed layer, the overlay,
a snapshot in the making and the tests, and forgetting a speculation is forgetting a reference.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from immutables import Map

from events.base import ZERO_HASH, Draw
from events.ids import AccountId

FOLD_VERSION = 3
"""Raised with every change of meaning in the fold; a snapshot of another version is refused."""


class Grant(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Credits that came in together and, if at all, expire together."""

    grant_id: str
    promotional: bool
    available: int
    expires_at_ms: int | None
    sequence: int
    """Of the `CreditsGranted` that made it: the older grant is used first."""
    value_hash: str
    """Of the same event: what its expiry follows from."""


class Cause(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A fact that a decision must follow from."""

    value_hash: str
    appended_at_ms: int
    event_id: str | None
    """Its `ce_id`, for the `causationid` of the decision."""


class Pending(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="p"):
    """A request in the log that is not decided yet."""

    cause: Cause
    count: int
    model: str
    quality: str
    prohibited_rule_id: str | None
    request: bytes
    """The stored value bytes of the `GenerationRequested`, for the job."""
    traceparent: str | None
    body_mac: str = ""
    """What tells it from other requests: an appeal may have allowed it."""
    kind: str = "image"
    """What is asked for, as the catalogue prices it."""
    batch_id: str | None = None
    """What it was asked for with; None: it was asked for alone."""
    is_covered: bool = False
    """Another generation of its batch took the token of the limit for all of them."""
    is_behind: bool = False
    """When its batch was asked for, another one of the account was not finished."""
    via_api: bool = False
    """Asked for with an API key."""
    is_over_budget: bool = False
    """No provider may be paid for it today."""


class Outcome(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The first result fact in the log; it fixes the settlement."""

    cause: Cause
    kind: str
    """`completed`, `failed` or `cancelled`."""
    delivered: int


class Reservation(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="r"):
    """An admitted generation whose credits are set aside and not settled yet."""

    cause: Cause
    """The reservation itself: what a settlement without a result follows from."""
    credits: int
    price: int
    draws: tuple[Draw, ...]
    deadline_ms: int
    outcome: Outcome | None
    request: bytes
    traceparent: str | None
    allowed: bool = False
    """An appeal allowed it: it is not looked at again before it is made."""
    batch_id: str | None = None
    """As in `Pending`."""
    tier: str = "free"
    """Of `events.jobs.TIERS`: how its job shares the workers."""


class Refund(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The money went back; `revoked` once the credits did too."""

    cause: Cause
    refund_id: str
    why: str
    revoked: bool


class Source(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What entitles an account to credits, remembered for ever so that it grants once.

    A refund may arrive before its purchase: then `why` is empty, and it waits.
    """

    why: str
    origin: str
    credits: int
    expires_at_ms: int | None
    cause: Cause | None
    """What the grant follows from; None once it is granted."""
    refund: Refund | None = None

    @property
    def seen(self) -> bool:
        """Whether the entitling fact itself was read, not only its refund."""
        return self.why != ""


OFFERED: Final = "offered"
SENT: Final = "sent"
CLOSED: Final = "closed"


class Gift(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Credits that this account gives away, remembered for ever so that they leave once."""

    state: str
    """`offered`, `sent` or `closed`: refused, received or returned."""
    credits: int
    cause: Cause | None
    """The offer; None once it is decided."""
    draws: tuple[Draw, ...] = ()
    """While it is sent: the grants that it came from, and would return to."""
    ended: Cause | None = None
    """That nobody received it; None: not known yet, or no matter any more."""

    @property
    def is_due(self) -> bool:
        """Whether there is something to decide about it."""
        return self.state == OFFERED or (self.state == SENT and self.ended is not None)


class Account(msgspec.Struct, frozen=True, gc=False, kw_only=True, array_like=True):
    """The state of one account: `evolve(account, recorded) -> account`."""

    account_id: AccountId
    head: str = ZERO_HASH
    """SHA-256 of the value bytes of the last counted decision."""
    sequence: int = 0
    """How many decisions have counted."""
    grants: tuple[Grant, ...] = ()
    """In the order of use: soonest expiry first, promotional before purchased, older first."""
    open: dict[str, Pending | Reservation] = {}
    """Undecided and unsettled generations by id, oldest first."""
    closed: Map[str, str] = Map()
    """How lately closed generations ended, by id; each is remembered for a day at least."""
    closed_earlier: Map[str, str] = Map()
    closed_since_ms: int = 0
    sources: dict[str, Source] = {}
    due_sources: tuple[str, ...] = ()
    """Of these, the ones whose grant or revocation is not decided yet."""
    debt: int = 0
    bucket_tokens_ms: int | None = None
    """What the token bucket held at `bucket_at_ms`, in milliseconds of refill; None: full."""
    bucket_at_ms: int = 0
    granted: int = 0
    """Credits that entered, less those revoked and those given away."""
    spent: int = 0
    expired: int = 0
    written_off: int = 0
    registered: bool = False
    erased: Cause | None = None
    frozen: str | None = None
    """Why this reader no longer follows this account: it met what it cannot decode (design §3)."""
    gifts: dict[str, Gift] = {}
    """What it gave away, or wanted to, by id."""
    due_gifts: tuple[str, ...] = ()
    """Of these, the ones that something is to be decided about, in the order of becoming so."""
    allowed: tuple[str, ...] = ()
    """The `body_mac`s of refused requests that an appeal allowed, the newest last."""

    @property
    def available(self) -> int:
        """Credits that can be spent, expired grants included until their expiry is decided."""
        return sum(grant.available for grant in self.grants)

    @property
    def reserved(self) -> int:
        """Credits set aside for unsettled generations."""
        return sum(entry.credits for entry in self.open.values() if isinstance(entry, Reservation))

    def how_closed(self, generation_id: str) -> str | None:
        """How a remembered generation ended; None if it is open, forgotten or unheard of."""
        return self.closed.get(generation_id) or self.closed_earlier.get(generation_id)


def balanced(account: Account) -> bool:
    """The sum that must hold after every event, and that tests and readers may assert."""
    return (
        account.granted
        == account.available
        + account.reserved
        + account.spent
        + account.expired
        - account.debt
        - account.written_off
    )


def encode_hook(value: Any) -> Any:
    """Teach msgspec the persistent map."""
    if isinstance(value, Map):
        return dict(value)
    raise NotImplementedError(type(value))


def decode_hook(kind: type, value: Any) -> Any:
    """Inverse of `encode_hook`."""
    if kind is Map or getattr(kind, "__origin__", None) is Map:
        return Map(value)
    raise NotImplementedError(kind)
