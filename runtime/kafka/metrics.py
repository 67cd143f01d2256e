"""What the log's clients count; everything is labelled by topic, nothing by key."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

APPENDED = Counter("pixelpop_log_appended_records", "Records that a broker acked.", ["topic"])
FAILED = Counter(
    "pixelpop_log_append_failures",
    "Appends that failed: too_large, overloaded, unknown or refused.",
    ["topic", "outcome"],
)
ACK_SECONDS = Histogram(
    "pixelpop_log_ack_seconds",
    "From handing a batch to Kafka's client until its ack.",
    ["topic"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
BATCH_RECORDS = Histogram(
    "pixelpop_log_batch_records",
    "Records per batch sent.",
    ["topic"],
    buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500),
)
WAITING_RECORDS = Gauge(
    "pixelpop_log_waiting_records", "Records that wait for an ack in this process."
)
WAITING_BYTES = Gauge("pixelpop_log_waiting_bytes", "Bytes that wait for an ack in this process.")
REPLACED = Counter(
    "pixelpop_log_producers_replaced", "Kafka producers replaced after a send that failed for good."
)
READ = Counter("pixelpop_log_read_records", "Records read.", ["reader", "topic"])
LAG = Gauge(
    "pixelpop_log_reader_lag_records",
    "Records between what was handed to the reader's user and the end of the partition.",
    ["reader", "topic", "partition"],
)
LOST = Counter("pixelpop_log_cursors_lost", "Cursors that point outside the log.", ["topic"])
