"""Examples of what entitles to credits, for `events.examples`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from events import ids
from events.grants import (
    GoodwillGiven,
    PromotionClosed,
    PromotionOpened,
    PromotionRedeemed,
    ReferralRewarded,
)
from events.ids import SourceId

_PROMOTION: Final = ids.derive("example", "promotion")


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
