"""Stripe: who we are there, and how long its calls may take."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from runtime.settings.about import about
from runtime.settings.audit import Auditing


class StripeApi(Auditing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stripe: who we are there, and how long its calls may take."""

    stripe_secret_key: Annotated[
        str | None,
        about(
            "Switches the second way to pay on, outside of Telegram: a secret or restricted key.",
            env="STRIPE_SECRET_KEY",
            secret=True,
        ),
    ] = None
    stripe_webhook_secret: Annotated[
        Annotated[
            str,
            Meta(pattern=r"^whsec_[A-Za-z0-9_+/=-]{8,256}(,whsec_[A-Za-z0-9_+/=-]{8,256}){0,3}\Z"),
        ]
        | None,
        about(
            "What Stripe signs its webhooks with, `whsec_…`; several, with commas, while one "
            "replaces another. Unset: no webhooks of Stripe's are taken.",
            env="STRIPE_WEBHOOK_SECRET",
            secret=True,
        ),
    ] = None
    stripe_api_base: Annotated[
        str,
        about(
            "The address of Stripe's API.",
            env="STRIPE_API_BASE",
            pattern=r"^https?://[^\s{}]+\Z",
        ),
    ] = "https://api.stripe.com"
    stripe_timeout_seconds: Annotated[
        float, about("How long one call of Stripe's API may take.", unit="s", gt=0, le=80)
    ] = 20.0
    stripe_webhook_tolerance_seconds: Annotated[
        int,
        about("How far a webhook's time may be from ours, either way.", unit="s", ge=30, le=900),
    ] = 300
