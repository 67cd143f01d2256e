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
}
PROJECTOR: dict[str, Tables] = rights_of_grants.PROJECTOR | {
    "moderation_statistics": frozenset({"read_v1.moderation_verdicts", "read_v1.generations"})
}
