"""Facts of credits that nobody paid for, in the words of stories (`tests.given`)."""

from __future__ import annotations

from typing import Any

from events import ids
from events.base import Sealed
from events.gifts import GiftClaimed, GiftOffered, GiftPart, GiftTaken, GiftUnclaimed
from events.grants import GoodwillGiven, PromotionRedeemed, ReferralRewarded
from events.ids import AccountId, SourceId
from tests.given import ACCOUNT, START_MS, Told, at

ADMIN = AccountId("0a000000-0000-4000-8000-0000000000ad")


def award(name: str) -> SourceId:
    """The id of what entitles to the credits that a story calls `name`."""
    return SourceId(ids.derive("test-award", name))


def _ends(expires: int | None) -> int | None:
    return None if expires is None else at(expires)


def _awarded(kind: type[Any], name: str, count: int, expires: int | None, **rest: object) -> Told:
    return Told(
        kind(
            account_id=ACCOUNT,
            occurred_at_ms=START_MS,
            source_id=award(name),
            credits=count,
            expires_at_ms=_ends(expires),
            **rest,
        )
    )


def redeemed(name: str, count: int, expires: int | None = None) -> Told:
    """A promotion's code was redeemed; `expires`: ms into the story."""
    promotion = ids.derive("test-promotion", name)
    return _awarded(PromotionRedeemed, name, count, expires, promotion_id=promotion)


def rewarded(name: str, count: int, expires: int | None = None) -> Told:
    """A friend was delivered a first picture."""
    referral = ids.derive("test-referral", name)
    return _awarded(ReferralRewarded, name, count, expires, referral_id=referral, side="inviter")


def soothed(name: str, count: int, expires: int | None = None) -> Told:
    """An admin made up for something."""
    reason = Sealed("v1.c2VhbGVk")
    return _awarded(GoodwillGiven, name, count, expires, actor=ADMIN, reason=reason)


def gift(name: str) -> str:
    """The id of the gift that a story calls `name`."""
    return ids.derive("test-gift", name)


def offers(name: str, credits: int) -> Told:  # noqa: A002  the field's name
    """A person wants to give credits away."""
    return Told(
        GiftOffered(
            account_id=ACCOUNT, occurred_at_ms=START_MS, gift_id=gift(name), credits=credits
        )
    )


def nobody_takes(name: str, reason: str = "expired") -> Told:
    """The gift's time is over, or it was taken back."""
    return Told(
        GiftUnclaimed(
            account_id=ACCOUNT, occurred_at_ms=START_MS, gift_id=gift(name), reason=reason
        )
    )


def somebody_takes(name: str) -> Told:
    """Somebody received the gift; told to its giver."""
    return Told(GiftTaken(account_id=ACCOUNT, occurred_at_ms=START_MS, gift_id=gift(name)))


def receives(name: str, *parts: tuple[int, int | None]) -> Told:
    """The account received somebody's gift: credits, and when they end (ms into the story)."""
    return Told(
        GiftClaimed(
            account_id=ACCOUNT,
            occurred_at_ms=START_MS,
            gift_id=gift(name),
            parts=tuple(GiftPart(count, _ends(ends)) for count, ends in parts),
        )
    )
