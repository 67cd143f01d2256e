"""What projectors count."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter("pixelpop_projection_events", "Records folded and written.", ["schema"])
BATCH_EVENTS = Histogram(
    "pixelpop_projection_batch_events",
    "Records per transaction.",
    ["schema"],
    buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000),
)
WRITE_SECONDS = Histogram(
    "pixelpop_projection_write_seconds",
    "From the begin of a batch's transaction to its commit.",
    ["schema"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
BEHIND_SECONDS = Gauge(
    "pixelpop_projection_behind_seconds",
    "Age of the last written record when it was written; the lag in records is "
    "pixelpop_log_reader_lag_records.",
    ["schema", "partition"],
)
VOIDS = Counter(
    "pixelpop_projection_voids", "Records without effect, by reason.", ["schema", "reason"]
)
FROZEN = Gauge(
    "pixelpop_projection_frozen_accounts",
    "Accounts that stand still because their money could not be read.",
    ["schema"],
)
STATE_LOADS = Counter(
    "pixelpop_projection_state_loads", "States of accounts asked from the database."
)
OWNERSHIP_LOST = Counter(
    "pixelpop_projection_ownership_lost", "Batches refused because another projector owns them."
)
