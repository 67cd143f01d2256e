"""How the books are compared with what payment providers say."""

from __future__ import annotations

from typing import Annotated

from runtime.settings.about import about
from runtime.settings.telegram import TelegramApi


class Auditing(TelegramApi, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the books are compared with what payment providers say."""

    reconcile_every_hours: Annotated[
        float, about("How often the books are compared.", unit="hours", ge=0.1, le=720)
    ] = 6.0
    reconcile_grace_minutes: Annotated[
        float,
        about(
            "What is younger may still be on its way, and is not missed yet.",
            unit="min",
            ge=0,
            le=1440,
        ),
    ] = 15.0
    reconcile_stripe_days: Annotated[
        int,
        about(
            "Payments at Stripe that are older are not asked about: longer than a dispute takes.",
            unit="days",
            ge=1,
            le=3650,
        ),
    ] = 540
