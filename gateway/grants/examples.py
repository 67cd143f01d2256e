"""Examples of what is sent and shown of credits that nobody paid for."""

from __future__ import annotations

from typing import Final

from events.envelope import rfc3339
from gateway.grants.documents import (
    AwardDocument,
    ClaimedGiftDocument,
    ClaimRequest,
    GiftDocument,
    GiftPartDocument,
    GiftRequest,
    GiftsDocument,
    GoodwillRequest,
    PromotionDocument,
    PromotionRequest,
    Promotions,
    RedeemRequest,
    ReferralsDocument,
)

_ID: Final = "0b0f1c52-6f0e-4a2b-9b56-2f1f6c1f4c1e"
_MS: Final = 1_767_225_600_000
_DAY_MS: Final = 86_400_000
_CODE: Final = "SPRING-2026"

_promotion = PromotionDocument(
    id=_ID,
    code=_CODE,
    status="open",
    credits=10,
    redemptions=137,
    redemptions_max=500,
    credits_days=90,
    made_at=rfc3339(_MS),
    ends_at=rfc3339(_MS + 30 * _DAY_MS),
)

_gift = GiftDocument(
    id=_ID,
    status="open",
    credits=5,
    start_parameter="gift_q0PzW3mJx8yV5cTn2RkLbA",
    offered_at=rfc3339(_MS),
    expires_at=rfc3339(_MS + 7 * _DAY_MS),
)

SHOWN: Final = (
    RedeemRequest(code=_CODE),
    AwardDocument(
        grant_id=_ID, why="promotion", credits=10, expires_at=rfc3339(_MS + 90 * _DAY_MS)
    ),
    PromotionRequest(
        code=_CODE,
        credits=10,
        redemptions_max=500,
        days=30,
        credits_days=90,
        reason="Spring campaign, agreed on 3 March.",
    ),
    _promotion,
    Promotions(items=(_promotion,)),
    ReferralsDocument(
        code="k3Jx9v2LqT0aWm4R",
        start_parameter="ref_k3Jx9v2LqT0aWm4R",
        friends_waiting=2,
        friends_rewarded=3,
        friends_rewarded_max=20,
        credits_earned=15,
        inviter_credits=5,
        friend_credits=3,
    ),
    GiftRequest(credits=5),
    _gift,
    GiftsDocument(items=(_gift,)),
    ClaimRequest(code="gift_q0PzW3mJx8yV5cTn2RkLbA"),
    GiftPartDocument(credits=5, expires_at=rfc3339(_MS + 90 * _DAY_MS)),
    ClaimedGiftDocument(
        gift_id=_ID,
        credits=5,
        parts=(GiftPartDocument(credits=5, expires_at=rfc3339(_MS + 90 * _DAY_MS)),),
    ),
    GoodwillRequest(credits=5, expires_days=90, reason="Three bad pictures, ticket 4711."),
)
DETAILS: Final = {
    "promotion-unknown": "There is no promotion with this code. Check its spelling.",
    "promotion-ended": "This promotion is over, or all of it was taken already.",
    "promotion-used": "You redeemed this code already, with another account.",
    "promotion-code-taken": "There is or was a promotion with this code.",
    "gift-unknown": "There is no such gift. Check the link.",
    "gift-own": "This is your own gift. Send the link to somebody else.",
    "gift-taken": "Somebody has received this gift already.",
    "gift-over": "Nobody received this gift in time, or it was taken back.",
    "too-many-gifts": "There can be 20 gifts at once that nobody has received yet.",
    "goodwill-to-self": "Nobody gives to themselves. Ask another admin.",
}
