"""What functions about grants and moderation tell whom: why, and which tables they change."""

from __future__ import annotations

from tests.integration.security import rights_of_grants

Tables = frozenset[str]

WITH_AN_IDENTITY = (*rights_of_grants.WITH_AN_IDENTITY, "appeals")
GATEWAY: dict[str, tuple[str, Tables, Tables]] = rights_of_grants.GATEWAY | {
    "appeals_in": (
        "an admin's list: whose appeals stand so, and their ids",
        frozenset({"public.appeals"}),
        frozenset(),
    ),
    "moderation_statistics": (
        "counts of all accounts; of nobody by name",
        frozenset(),
        frozenset(),
    ),
    "provider_spend": (
        "what providers cost by day, of all accounts together",
        frozenset(),
        frozenset(),
    ),
    "model_medians": (
        "how long models take, of all accounts together",
        frozenset(),
        frozenset(),
    ),
}
A_BATCH: Tables = frozenset({"read_v1.batch_items", "read_v1.generations"})
"""What tells whether all of a batch has ended."""
PROJECTOR: dict[str, Tables] = rights_of_grants.PROJECTOR | {
    "moderation_statistics": frozenset({"read_v1.moderation_verdicts", "read_v1.generations"}),
    "message_batch": A_BATCH,
    "provider_spend": frozenset({"read_v1.provider_costs"}),
    "model_medians": frozenset({"read_v1.provider_costs"}),
}
