"""Everything that can have happened to a gift of credits, on the giver's side and the receiver's.

The giver's credits leave by `GiftSent`, to the double-entry account `world:gift`, and come out of
it again on one side only: with the receiver (`GiftClaimed`, then a grant for each part) or with the
giver (`GiftReturned`). Which side that is, PostgreSQL decides once, before the log is told. What is
given keeps the end that it had, so nobody lengthens the life of credits by giving them away.
"""

from __future__ import annotations

import msgspec

from events.base import Credits, Decision, Draw, Millis, MoneyFact, Moved
from events.ids import SourceId, UuidText, derive


class GiftPart(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Credits of a gift that end together."""

    credits: Moved
    expires_at_ms: Millis | None


def part_source(gift_id: str, index: int) -> SourceId:
    """What entitles the receiver to the `index`-th part (from 0) of a gift."""
    return SourceId(derive("gift-part", gift_id, str(index)))


class GiftOffered(MoneyFact, frozen=True, kw_only=True, gc=False, tag="GiftOffered.v1"):
    """A person wants to give credits away."""

    gift_id: UuidText
    credits: Credits


class GiftTaken(MoneyFact, frozen=True, kw_only=True, gc=False, tag="GiftTaken.v1"):
    """Somebody received the gift; stands with the giver. It does not say who."""

    gift_id: UuidText


class GiftUnclaimed(MoneyFact, frozen=True, kw_only=True, gc=False, tag="GiftUnclaimed.v1"):
    """Nobody received the gift in time, or the giver took it back; stands with the giver."""

    gift_id: UuidText
    reason: str
    """`expired` or `taken_back`."""


class GiftClaimed(MoneyFact, frozen=True, kw_only=True, gc=False, tag="GiftClaimed.v1"):
    """A person received a gift; stands with the receiver. It does not say from whom."""

    gift_id: UuidText
    parts: tuple[GiftPart, ...]


class GiftSent(Decision, frozen=True, kw_only=True, gc=False, tag="GiftSent.v1"):
    """The credits leave the giver."""

    gift_id: UuidText
    credits: Moved
    draws: tuple[Draw, ...]
    """The grants drawn on."""
    parts: tuple[GiftPart, ...]
    """For each draw, what the receiver gets of it."""


class GiftRefused(Decision, frozen=True, kw_only=True, gc=False, tag="GiftRefused.v1"):
    """The gift cannot be made; nothing moves."""

    gift_id: UuidText
    reason: str
    """`insufficient_credits`, `account_erased`."""
    credits_needed: Moved = 0
    credits_available: Moved = 0
    """Of those that may be given away."""


class GiftReturned(Decision, frozen=True, kw_only=True, gc=False, tag="GiftReturned.v1"):
    """A gift that nobody received comes back."""

    gift_id: UuidText
    credits: Moved
    debt_paid: Moved = 0
    """Of these, this much pays a debt,"""
    expired: Moved = 0
    """this much belonged to a grant that has expired and expires with it,"""
    returns: tuple[Draw, ...] = ()
    """and the rest becomes available again in these grants."""


GIFT_DECISIONS = (GiftSent, GiftRefused, GiftReturned)
