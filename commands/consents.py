"""What people are asked to agree to, and which version of it is shown today."""

from __future__ import annotations

from typing import Final, NamedTuple


class Document(NamedTuple):
    """Something that can be agreed to."""

    purpose: str
    version: str
    """The one that is shown today; only this one can be agreed to."""
    required: bool
    """Whether the service is meant for people who agreed to it."""


DOCUMENTS: Final = (
    Document("terms", "2026-01", required=True),
    Document("privacy", "2026-01", required=True),
    Document("marketing", "2026-01", required=False),
)
BY_PURPOSE: Final = {document.purpose: document for document in DOCUMENTS}
