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
