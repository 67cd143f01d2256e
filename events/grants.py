"""Credits that nobody paid for: what entitled an account to them.

Each is granted once, whatever often it is told: `source_id` is made of what entitles (a promotion
and an account, a friend, an admin's act), and the fold remembers it for ever.
"""

from __future__ import annotations

from typing import ClassVar

from events.admin import Act
from events.base import Credits, Millis, MoneyFact, Sealed
from events.ids import AccountId, SourceId, UuidText


class Award(MoneyFact, frozen=True, kw_only=True, gc=False):
    """Something entitles an account to credits; the decider grants them."""

    why: ClassVar[str]
    """The `why` and the `origin` of the grant."""

    source_id: SourceId
    credits: Credits
    expires_at_ms: Millis | None = None
    """When what is left of them ends; None: never."""


class PromotionRedeemed(Award, frozen=True, kw_only=True, gc=False, tag="PromotionRedeemed.v1"):
    """A person redeemed a promotion's code; nobody does that twice, with whatever account."""

    why: ClassVar[str] = "promotion"

    promotion_id: UuidText


class ReferralRewarded(Award, frozen=True, kw_only=True, gc=False, tag="ReferralRewarded.v1"):
    """A friend who was invited was delivered a first picture; of each side there is one.

    It does not say who the other side is: nobody can tell from the log who knows whom.
    """

    why: ClassVar[str] = "referral"

    referral_id: UuidText
    """The same on both sides."""
    side: str
    """`inviter` or `friend`."""


class GoodwillGiven(Award, frozen=True, kw_only=True, gc=False, tag="GoodwillGiven.v1"):
    """An admin gave credits, to make up for something."""

    why: ClassVar[str] = "goodwill"

    actor: AccountId
    reason: Sealed
    """In the actor's words; sealed for the account that it is about."""


class PromotionOpened(Act, frozen=True, kw_only=True, gc=False, tag="PromotionOpened.v1"):
    """An admin made a promotion; it stands with the admin's account."""

    promotion_id: UuidText
    credits: Credits
    redemptions_max: Credits
    """How many people may redeem it."""
    ends_at_ms: Millis
    credits_days: Credits
    """For how many days each person's credits last."""


class PromotionClosed(Act, frozen=True, kw_only=True, gc=False, tag="PromotionClosed.v1"):
    """An admin ended a promotion before its time; who redeemed it keeps the credits."""

    promotion_id: UuidText


AWARDS = (PromotionRedeemed, ReferralRewarded, GoodwillGiven)
PROMOTION_ACTS = (PromotionOpened, PromotionClosed)
