"""What providers may cost in a day."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from runtime.settings.about import about
from runtime.settings.moderation import Moderation


class Budget(Moderation, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What providers may cost in a day."""

    budget_usd_a_day: Annotated[
        Annotated[int, Meta(ge=0, le=10_000_000)] | None,
        about(
            "What all providers together may cost in a day (UTC); beyond it no paid one is asked. "
            "Unset: no such ceiling.",
            unit="USD",
        ),
    ] = None
    budget_usd_by_provider: Annotated[
        str,
        about(
            "The same for single providers, in whole US dollars: `openai=50,fal=20`. Another "
            "provider of the model still serves.",
            pattern="^([a-z0-9-]+=[0-9]{1,8}(,[a-z0-9-]+=[0-9]{1,8})*)?$",
        ),
    ] = ""
