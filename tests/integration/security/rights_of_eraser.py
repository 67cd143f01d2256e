"""What the eraser may ask of the read models: why, and of which tables it is told."""

from __future__ import annotations

ASKS: dict[str, tuple[str, ...]] = {
    "account_ends": ("which accounts are and were, and when they ended", "read_v1.users"),
    "erased_balances": ("what erased accounts left", "read_v1.users", "read_v1.credit_accounts"),
    "binned_pictures": (
        "which pictures are in the bin for too long",
        *("read_v1.images", "read_v1.generations"),
    ),
    "positions": ("how far the read models know the log",),
}
