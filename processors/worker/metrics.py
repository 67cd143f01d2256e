"""What a worker counts; nothing is labelled by account or generation."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

JOBS = Counter("pixelpop_worker_jobs", "Jobs ended, by what became of them.", ["outcome"])
JOB_SECONDS = Histogram(
    "pixelpop_worker_job_seconds",
    "From taking a job until its result's ack, in seconds.",
    ["provider"],
    buckets=(0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320),
)
CALL_SECONDS = Histogram(
    "pixelpop_worker_provider_call_seconds",
    "One call of an image provider, in seconds.",
    ["provider", "outcome"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320),
)
PICTURE_CPU_SECONDS = Counter(
    "pixelpop_worker_picture_cpu_seconds",
    "Processor time of checking pictures and encoding their previews, in seconds.",
)
RUNNING = Gauge("pixelpop_worker_running_jobs", "Jobs under way in this worker.")
PROVIDER_SHARE = Gauge(
    "pixelpop_worker_provider_share_calls",
    "How many calls to a provider this worker may have under way of all that its account allows.",
    ["provider"],
)
SHARE = Gauge(
    "pixelpop_worker_share_jobs", "How many jobs this worker may run of all that may run at once."
)
LAG = Gauge("pixelpop_worker_lag_jobs", "Jobs appended to our partitions and not begun yet.")
CALLS_UNCERTAIN = Counter(
    "pixelpop_worker_provider_calls_uncertain",
    "Calls that may have been paid without anybody knowing their outcome.",
    ["provider"],
)
BREAKER_OPEN = Gauge(
    "pixelpop_worker_breaker_open",
    "Whether a provider's circuit breaker is open: 1; being probed: 0.5; closed: 0.",
    ["provider"],
)
GATE_SECONDS = Histogram(
    "pixelpop_worker_provider_wait_seconds",
    "How long a call waited for a provider's concurrency and rate, in seconds.",
    ["provider"],
    buckets=(0.001, 0.01, 0.1, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320),
)
FAILOVERS = Counter(
    "pixelpop_worker_failovers",
    "Jobs that went on at another provider, by who surely did nothing and why.",
    ["provider", "reason"],
)
VERDICTS = Counter(
    "pixelpop_worker_moderation_verdicts",
    "What checkers said of prompts, photos and pictures.",
    ["stage", "verdict", "provider"],
)
LEASES_LOST = Counter(
    "pixelpop_worker_leases_lost", "Claims that another worker took over from this one."
)
PROGRESS_DROPPED = Counter(
    "pixelpop_worker_progress_dropped", "Progress records given up; they are lossy by intent."
)
DEAD_LETTERS = Counter("pixelpop_dead_letters", "Records put into the DLQ.", ["code"])
