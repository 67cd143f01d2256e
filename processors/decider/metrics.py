"""What the decider counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

DECISIONS = Counter("pixelpop_decider_decisions", "Decisions appended and acked.")
FAILED_APPENDS = Counter(
    "pixelpop_decider_failed_appends", "Batches of decisions that were not acked.", ["code"]
)
VOIDS = Counter("pixelpop_decider_void_decisions", "Void decisions read in the log.", ["reason"])
POISON = Counter("pixelpop_decider_poison_records", "Unreadable records of the log.", ["kind"])
JOBS = Counter("pixelpop_decider_jobs", "Jobs put on the jobs topic and acked.", ["kind"])
JOBS_WAITING = Gauge("pixelpop_decider_jobs_waiting", "Jobs that were not acked yet.")
ACCOUNTS = Gauge("pixelpop_decider_accounts", "Accounts in confirmed state.", ["partition"])
