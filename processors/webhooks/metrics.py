"""What the sender of webhooks counts; nothing is labelled by account or endpoint."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

PLANNED = Counter("pixelpop_webhooks_planned", "Deliveries put down.", ["type"])
TOO_OLD = Counter(
    "pixelpop_webhooks_too_old",
    "Decisions that were met so late that they were not told any more.",
)
ATTEMPTS = Counter("pixelpop_webhooks_attempts", "Attempts ended, by outcome.", ["outcome"])
ATTEMPT_SECONDS = Histogram(
    "pixelpop_webhooks_attempt_seconds",
    "One attempt, in seconds.",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
UNDER_WAY = Gauge("pixelpop_webhooks_under_way", "Attempts under way in this process.")
