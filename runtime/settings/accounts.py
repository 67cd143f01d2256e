"""What accounts can have done: exports, erasure, webhooks."""

from __future__ import annotations

from typing import Annotated

from runtime.settings.about import about
from runtime.settings.work import Work


class Accounts(Work, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What accounts can have done: exports, erasure, webhooks."""

    # Exports of everything that is known of an account.
    export_ttl_hours: Annotated[
        int, about("For how long its files can be fetched.", unit="hours", ge=1, le=720)
    ] = 24
    export_part_bytes: Annotated[
        int,
        about("About how large each of its files gets.", unit="bytes", ge=100_000, le=50_000_000),
    ] = 33_554_432

    # The eraser.
    erasure_sweep_again_seconds: Annotated[
        float,
        about(
            "After how long an erased account's objects are swept again: longer than any job.",
            unit="s",
            ge=1,
            le=86_400,
        ),
    ] = 1800.0
    erasure_debt_days: Annotated[
        int,
        about(
            "For how long after an erasure a charge-back still finds the person who owes it.",
            unit="days",
            ge=1,
            le=3650,
        ),
    ] = 180

    # Outbound webhooks.
    webhook_group: Annotated[
        str,
        about(
            "The consumer group that spreads the log over the senders of webhooks.",
            pattern="^[a-z0-9-]{1,100}$",
        ),
    ] = "pixelpop-webhooks"
    webhook_allowed_networks: Annotated[
        str,
        about(
            "Networks, `10.1.0.0/16,…`, that webhooks may be sent to although they are not public; "
            "also by http."
        ),
    ] = ""
    webhook_endpoints_max: Annotated[
        int, about("Webhook endpoints of one account.", ge=1, le=100)
    ] = 10
    webhook_sends: Annotated[
        int, about("Webhooks that one process sends at once.", ge=1, le=250)
    ] = 32
    webhook_sends_per_endpoint: Annotated[
        int,
        about("Of these, to one endpoint: a slow one must not keep the others.", ge=1, le=250),
    ] = 4
    webhook_timeout_seconds: Annotated[
        float, about("How long a receiver may take to answer.", unit="s", gt=0, le=60)
    ] = 15.0
    webhook_poll_seconds: Annotated[
        float, about("How often webhooks that are due are looked for.", unit="s", ge=0.05, le=60)
    ] = 1.0
    webhook_secret_overlap_seconds: Annotated[
        int,
        about("How long the old secret still signs after a rotation.", unit="s", ge=0, le=604_800),
    ] = 86_400
    webhook_event_days: Annotated[
        int,
        about("What was decided longer ago is not told any more.", unit="days", ge=1, le=365),
    ] = 7
    webhook_log_days: Annotated[
        int,
        about(
            "How long deliveries are kept; longer than events are told.", unit="days", ge=2, le=730
        ),
    ] = 30
