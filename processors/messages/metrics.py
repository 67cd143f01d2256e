"""What the sender of the bot's messages counts; nothing is labelled by account or chat."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

PLANNED = Counter("pixelpop_messages_planned", "Messages put down.", ["kind"])
TOO_OLD = Counter(
    "pixelpop_messages_too_old",
    "Records that were met so late that they were not told any more.",
)
ENDED = Counter("pixelpop_messages_ended", "Tries ended, by kind and outcome.", ["kind", "outcome"])
SLOWED = Counter("pixelpop_messages_slowed", "Times that Telegram said to wait (429).")
SECONDS = Histogram(
    "pixelpop_messages_seconds",
    "One try, from its claim to its end, in seconds; waiting for its turn is part of it.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
UNDER_WAY = Gauge("pixelpop_messages_under_way", "Messages under way in this process.")
