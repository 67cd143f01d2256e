"""What every event has in common: `Fact`, `MoneyFact` and `Decision`.

Rules of evolution (msgspec's schema evolution, held by `tests/contract`): fields added later have
defaults, a field's type never changes, nothing is removed or renamed, and open vocabularies
(kinds, reasons) are plain strings, so that an older reader still decodes them. A change that
cannot follow these rules is a new version with its own tag and an upcast.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, NewType

import msgspec
from msgspec import Meta

from events.ids import AccountId

Sealed = NewType("Sealed", str)
"""A personal field under the account's own key: `v1.<base64url of nonce and ciphertext>`."""

Millis = Annotated[int, Meta(ge=0, le=253_402_300_799_999)]
"""An instant in milliseconds since 1970-01-01 UTC, up to the year 9999."""
Natural = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""A count or an amount; bounded, so that every column and every snapshot can hold it."""
Small = Annotated[int, Meta(ge=0, le=2**31 - 1)]
"""A count of things that are few: pictures, attempts, pixels."""
Credits = Annotated[int, Meta(ge=0, le=10**9)]
"""Whole credits that a fact brings in; so bounded that no sum of them leaves `Moved`."""
Moved = Annotated[int, Meta(ge=0, le=10**15)]
"""Whole credits that a decision moves."""
SignedMoved = Annotated[int, Meta(ge=-(10**15), le=10**15)]
"""The same with a direction."""

EventClass = Literal["fact", "money", "decision"]
ZERO_HASH = "0" * 64
"""`previous_hash` of an account's first decision."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """Something that happened, appended by the gateway or a worker; not chained."""

    event_class: ClassVar[EventClass] = "fact"

    account_id: AccountId
    occurred_at_ms: Millis
    """When it happened by its author's clock."""


class MoneyFact(Fact, frozen=True, kw_only=True, gc=False):
    """A fact that credits follow from; a reader that cannot decode it freezes the account."""

    event_class: ClassVar[EventClass] = "money"


class Posting(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One line of double entry: whole credits added to (or, negative, taken from) an account."""

    account: str
    credits: SignedMoved


class Draw(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Whole credits taken from, or returned to, one grant."""

    grant_id: str
    credits: Moved


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """A decider event: a link of its account's hash chain (design §3)."""

    event_class: ClassVar[EventClass] = "decision"

    account_id: AccountId
    sequence: Natural
    """Its place in the chain, from 1."""
    previous_hash: str
    """SHA-256, in hex, of the stored value bytes of the account's last counted decision."""
    cause_hash: str
    """SHA-256, in hex, of the stored value bytes of what this decides."""
    decided_at_ms: Millis
    """The broker's append time of what this decides, or the instant that a timer stood for."""
    postings: tuple[Posting, ...] = ()
    """Double entry; sums to zero."""
