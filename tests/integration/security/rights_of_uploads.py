"""What the eraser may do with photos of all accounts."""

from __future__ import annotations

from tests.integration.security.reach import Reach

REACH = Reach(
    frozenset({"upload_id", "account_id", "state", "form_until", "expires_at", "swept"}),
    frozenset({"state", "swept"}),
    removes=True,
)
