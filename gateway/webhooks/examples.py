"""Examples of what the API takes and answers about webhooks."""

from __future__ import annotations

from typing import Any, Final

from events.envelope import rfc3339
from gateway.webhooks import documents as shown

_ID: Final = "1f0c2a54-3f6d-4b1e-8a55-0a1b2c3d4e5f"
_DELIVERY: Final = "7c9e6679-7425-5de0-944b-e07fc1f90ae7"
_SECRET: Final = "whsec_…"  # noqa: S105  no secret, an example of one
_MS: Final = 1_767_225_600_000

_webhook = shown.WebhookDocument(
    id=_ID,
    url="https://hooks.example.com/pixelpop",
    event_types=("generation.done", "generation.failed"),
    description="production",
    enabled=True,
    disabled_reason=None,
    created_at=rfc3339(_MS),
)
_delivery = shown.DeliveryDocument(
    id=_DELIVERY,
    event_type="generation.done",
    status="pending",
    attempts=1,
    next_attempt_at=rfc3339(_MS + 5_000),
    created_at=rfc3339(_MS),
    ended_at=None,
)

BY_SHAPE: Final[dict[type, Any]] = {
    type(one): one
    for one in (
        shown.WebhookRequest(
            url="https://hooks.example.com/pixelpop",
            event_types=("generation.done", "generation.failed"),
            description="production",
        ),
        shown.WebhookChange(enabled=False),
        _webhook,
        shown.NewWebhookDocument(webhook=_webhook, secret=_SECRET),
        shown.SecretDocument(secret=_SECRET, old_secret_until=rfc3339(_MS + 86_400_000)),
        shown.Webhooks(items=(_webhook,)),
        _delivery,
        shown.Deliveries(items=(_delivery,), next_cursor=None),
        shown.DeliveryDetails(
            delivery=_delivery,
            payload={
                "type": "generation.done",
                "timestamp": rfc3339(_MS),
                "data": {
                    "generation_id": "5c3f7a1e-2b1d-5e0c-8f55-0d5b6f4a9c21",
                    "status": "done",
                    "timed_out": False,
                    "credits": {"captured": 1, "returned": 0},
                },
            },
            attempts=(
                shown.AttemptDocument(
                    attempt=1,
                    started_at=rfc3339(_MS),
                    ended_at=rfc3339(_MS + 120),
                    outcome="refused",
                    status=503,
                ),
            ),
        ),
        shown.SentAgain(deliveries=3),
    )
}
"""By struct, as in `examples`."""
