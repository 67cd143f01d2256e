"""What is sent and shown of credits that nobody paid for."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.access.admin_documents import Reason
from gateway.api.documents import Id, Time, says

CODE_PATTERN = r"^[A-Z0-9-]{4,32}\Z"
CREDITS_MAX = 1_000_000
REDEMPTIONS_MAX = 1_000_000_000
DAYS_MAX = 3_650

Days = Annotated[int, Meta(ge=1, le=DAYS_MAX)]
SomeCredits = Annotated[int, Meta(ge=1, le=CREDITS_MAX)]


class RedeemRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A promotion's code."""

    code: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=64,
            description="As it was given out; blanks around it and small letters are no matter.",
        ),
    ]


class AwardDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Credits that are on their way to an account."""

    grant_id: Annotated[Id, says("The grant of GET /credits that they become.")]
    why: Annotated[str, says("`promotion`, `referral`, `gift` or `goodwill`.")]
    credits: int
    expires_at: Annotated[Time | None, says("When what is left of them ends.")]


class PromotionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A promotion to be opened."""

    code: Annotated[
        str,
        Meta(pattern=CODE_PATTERN, description="4 to 32 of `A`-`Z`, `0`-`9` and `-`. No secret."),
    ]
    credits: Annotated[SomeCredits, says("For each person.")]
    redemptions_max: Annotated[
        int, Meta(ge=1, le=REDEMPTIONS_MAX, description="How many people may redeem it.")
    ]
    days: Annotated[Days, says("For how long from now it can be redeemed.")]
    credits_days: Annotated[Days, says("For how long each person's credits last.")]
    reason: Reason


class PromotionDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A promotion, as admins see it."""

    id: Id
    code: str
    status: Annotated[str, says("`open`, `all_taken`, `over` or `closed`.")]
    credits: int
    redemptions: Annotated[int, says("How many people have redeemed it.")]
    redemptions_max: int
    credits_days: int
    made_at: Time | None
    ends_at: Time | None
    closed_at: Annotated[Time | None, says("When an admin ended it before its time.")] = None


class Promotions(msgspec.Struct, frozen=True, kw_only=True):
    """The last promotions, newest first."""

    items: tuple[PromotionDocument, ...]


class ReferralsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """How to invite friends, and what came of it."""

    code: str
    start_parameter: Annotated[str, says("For links to the bot or its MiniApp.")]
    friends_waiting: Annotated[int, says("Came by it and have no finished picture yet.")]
    friends_rewarded: int
    friends_rewarded_max: Annotated[int, says("You get credits for so many friends, ever.")]
    credits_earned: int
    inviter_credits: Annotated[int, says("What you get for each friend.")]
    friend_credits: Annotated[int, says("What each friend gets.")]


class GiftRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Credits to be given away."""

    credits: SomeCredits


class GiftDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A gift, as its giver sees it."""

    id: Id
    status: Annotated[
        str,
        says(
            "`pending` (not decided yet), `open`, `received`, `returning`, `returned` or `refused`."
        ),
    ]
    credits: int
    start_parameter: Annotated[
        str | None,
        says("For a link to the bot or its MiniApp; null once nobody can receive it any more."),
    ]
    offered_at: Time | None
    expires_at: Annotated[Time | None, says("What nobody has received by then comes back.")]
    ended_at: Time | None = None


class GiftsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The last gifts, newest first."""

    items: tuple[GiftDocument, ...]


class ClaimRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A gift's code."""

    code: Annotated[
        str,
        Meta(min_length=1, max_length=64, description="Of the link, with or without `gift_`."),
    ]


class GiftPartDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Credits of a gift that end together."""

    credits: int
    expires_at: Time | None


class ClaimedGiftDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A gift, as its receiver sees it."""

    gift_id: Id
    credits: int
    parts: tuple[GiftPartDocument, ...]


class GoodwillRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Credits for somebody, and why."""

    credits: SomeCredits
    expires_days: Annotated[Days, says("For how long they last; unset: a year, or as set.")] | (
        UnsetType
    ) = UNSET
    reason: Reason
