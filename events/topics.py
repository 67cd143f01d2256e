"""The four topics (design §1). Only names and retention: how they are made is `runtime.kafka`'s."""

from __future__ import annotations

from typing import NamedTuple


class Topic(NamedTuple):
    """A topic and how long it keeps its records."""

    name: str
    retention_ms: int | None
    """None: for ever."""


_MINUTE_MS = 60_000
_DAY_MS = 24 * 60 * _MINUTE_MS

EVENTS = "pixelpop.events.v1"
"""The only source of truth, keyed by account id."""

JOBS = "pixelpop.jobs.v1"
"""Work for the Faust workers, keyed by generation id, so that one user's burst spreads."""

LIVE = "pixelpop.live.v1"
"""Progress and previews, keyed by account id; lossy by intent."""

DLQ = "pixelpop.dlq.v1"
"""What could not be processed, keyed as the failed record."""

TOPICS = (
    Topic(EVENTS, None),
    Topic(JOBS, 7 * _DAY_MS),
    Topic(LIVE, 15 * _MINUTE_MS),
    Topic(DLQ, None),
)
