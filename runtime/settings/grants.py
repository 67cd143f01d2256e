"""Credits that nobody paid for: how many, for how long, how often."""

from __future__ import annotations

from typing import Annotated

from runtime.settings.about import about
from runtime.settings.sharing import Sharing


class Grants(Sharing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Credits that nobody paid for: how many, for how long, how often."""

    limit_codes_per_hour: Annotated[
        int,
        about(
            "Codes of promotions and gifts that an account may try in an hour.", ge=1, le=1_000_000
        ),
    ] = 20
    promotion_credits_max: Annotated[
        int, about("Credits that a promotion may give to one person.", ge=1, le=1_000_000)
    ] = 1_000
    goodwill_credits_max: Annotated[
        int, about("Credits that an admin may give away in one act.", ge=1, le=1_000_000)
    ] = 1_000
    goodwill_days: Annotated[
        int,
        about("For how long they last, where the admin says nothing.", unit="days", ge=1, le=3650),
    ] = 365

    # Referrals: both sides, after the friend's first finished picture.
    referral_friend_credits: Annotated[
        int, about("What who was invited gets.", unit="credits", ge=0, le=10_000)
    ] = 3
    referral_inviter_credits: Annotated[
        int, about("What who invited gets, for each friend.", unit="credits", ge=0, le=10_000)
    ] = 5
    referral_rewards_max: Annotated[
        int, about("For how many friends one person is rewarded, ever.", ge=0, le=100_000)
    ] = 20
    referral_credits_days: Annotated[
        int, about("For how long both sides' credits last.", unit="days", ge=1, le=3650)
    ] = 90
    referral_days: Annotated[
        int,
        about(
            "For how long after the first sign-in a first picture is rewarded.",
            unit="days",
            ge=1,
            le=3650,
        ),
    ] = 60
    grants_poll_seconds: Annotated[
        float,
        about("How often it is looked for what grants are due.", unit="s", ge=0.05, le=3600),
    ] = 5.0

    # Gifts between people.
    gift_credits_max: Annotated[
        int, about("The largest gift.", unit="credits", ge=1, le=1_000_000)
    ] = 500
    gift_days: Annotated[
        int, about("What nobody has received by then comes back.", unit="days", ge=1, le=90)
    ] = 7
    gifts_open_max: Annotated[
        int, about("Gifts of one account that nobody has received yet.", ge=1, le=10_000)
    ] = 20
