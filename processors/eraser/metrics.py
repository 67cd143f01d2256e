"""What the eraser counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

ERASED = Counter("pixelpop_eraser_identities", "Keys and links to a person that were destroyed.")
RETURNED = Counter(
    "pixelpop_eraser_returned_identities",
    "Identities of erased accounts that were there again (an old backup was restored).",
)
SWEPT = Counter("pixelpop_eraser_sweeps", "Sweeps of an account's objects and rows.", ["which"])
OBJECTS = Counter("pixelpop_eraser_objects", "Objects deleted, with all their versions.")
DEBTS = Counter("pixelpop_eraser_debts", "Debts that a person's next account was told of.")
OPEN = Gauge("pixelpop_eraser_open_erasures", "Erasures that are not finished.")
UPLOADS = Counter("pixelpop_eraser_uploads", "Photos removed that nobody used (any more).")
BINNED = Counter("pixelpop_eraser_binned", "Pictures deleted that nobody took back in time.")
FAILED = Counter("pixelpop_eraser_failed_turns", "Turns that failed and are taken again.", ["code"])
SET_BACK = Counter(
    "pixelpop_eraser_set_back", "Times that PostgreSQL was found set back to an older state."
)
