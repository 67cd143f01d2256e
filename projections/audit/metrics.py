"""What of the comparison operators watch."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from prometheus_client import Counter as Count
from prometheus_client import Gauge

from projections.audit.rows import Difference

DIFFERENCES = Gauge(
    "pixelpop_audit_differences",
    "Payments that provider and ledger told otherwise of at the last look.",
    ["provider", "kind"],
)
COMPARED_AT = Gauge(
    "pixelpop_audit_compared_timestamp_seconds", "When the books were last compared.", ["provider"]
)
FAILED = Count("pixelpop_audit_failed", "Comparisons that came to no end, by why.", ["code"])


class _Compared(Protocol):
    @property
    def provider(self) -> str: ...

    @property
    def differences(self) -> tuple[Difference, ...]: ...


def count(compared: Iterable[_Compared]) -> None:
    """Show what the last look has found."""
    DIFFERENCES.clear()
    for one in compared:
        COMPARED_AT.labels(one.provider).set(time.time())
        for kind, number in Counter(found.kind for found in one.differences).items():
            DIFFERENCES.labels(one.provider, kind).set(number)
