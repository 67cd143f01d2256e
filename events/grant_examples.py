"""Examples of what entitles to credits, for `events.examples`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from events import ids, postings
from events.base import Draw
from events.gifts import (
    GiftClaimed,
    GiftOffered,
    GiftPart,
    GiftRefused,
    GiftReturned,
    GiftSent,
    GiftTaken,
    GiftUnclaimed,
)
from events.grants import (
    GoodwillGiven,
    PromotionClosed,
    PromotionOpened,
    PromotionRedeemed,
    ReferralRewarded,
)
from events.ids import SourceId

_PROMOTION: Final = ids.derive("example", "promotion")
_GIFT: Final = ids.derive("example", "gift")


def facts(
    fact: Mapping[str, Any], act: Mapping[str, Any], ends_at_ms: int
) -> tuple[
    PromotionRedeemed | ReferralRewarded | GoodwillGiven | PromotionOpened | PromotionClosed, ...
]:
    """One of each.

    Args:
        fact: the fields of every fact.
        act: those of every act.
        ends_at_ms: when what they bring ends.
    """
    award: dict[str, Any] = {**fact, "credits": 10, "expires_at_ms": ends_at_ms}
    return (
        PromotionRedeemed(
            **award,
            source_id=SourceId(ids.derive("example", "redemption")),
            promotion_id=_PROMOTION,
        ),
        ReferralRewarded(
            **award,
            source_id=SourceId(ids.derive("example", "reward")),
            referral_id=ids.derive("example", "referral"),
            side="friend",
        ),
        GoodwillGiven(
            **award,
            source_id=SourceId(ids.derive("example", "goodwill")),
            actor=act["actor"],
            reason=act["reason"],
        ),
        PromotionOpened(
            **act,
            promotion_id=_PROMOTION,
            credits=10,
            redemptions_max=500,
            ends_at_ms=ends_at_ms,
            credits_days=90,
        ),
        PromotionClosed(**act, promotion_id=_PROMOTION),
    )


def gift_facts(
    fact: Mapping[str, Any], ends_at_ms: int
) -> tuple[GiftOffered | GiftTaken | GiftUnclaimed | GiftClaimed, ...]:
    """One of each.

    Args:
        fact: the fields of every fact.
        ends_at_ms: when what was given ends.
    """
    return (
        GiftOffered(**fact, gift_id=_GIFT, credits=5),
        GiftTaken(**fact, gift_id=_GIFT),
        GiftUnclaimed(**fact, gift_id=_GIFT, reason="expired"),
        GiftClaimed(**fact, gift_id=_GIFT, parts=(GiftPart(5, ends_at_ms),)),
    )


def gift_decisions(
    link: Mapping[str, Any], grant_id: str, ends_at_ms: int
) -> tuple[GiftSent | GiftRefused | GiftReturned, ...]:
    """One of each.

    Args:
        link: the fields of every decision.
        grant_id: what was drawn on.
        ends_at_ms: when it ends.
    """
    return (
        GiftSent(
            **link,
            gift_id=_GIFT,
            credits=5,
            draws=(Draw(grant_id, 5),),
            parts=(GiftPart(5, ends_at_ms),),
            postings=postings.gift_sent(5),
        ),
        GiftRefused(
            **link,
            gift_id=_GIFT,
            reason="insufficient_credits",
            credits_needed=5,
            credits_available=2,
        ),
        GiftReturned(
            **link,
            gift_id=_GIFT,
            credits=5,
            debt_paid=1,
            expired=1,
            returns=(Draw(grant_id, 3),),
            postings=postings.gift_returned(5, 1, 1),
        ),
    )
