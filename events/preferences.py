"""What a person has chosen: preferences, and consents given and withdrawn.

Facts without effect on credits; read models fold them, the last one counts. Nothing here is
personal by itself: languages, styles, names and versions of documents.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from events.base import Fact


class PreferencesChanged(Fact, frozen=True, kw_only=True, gc=False, tag="PreferencesChanged.v1"):
    """A person changed what is named here; what is missing stayed as it was, null was cleared."""

    language: str | UnsetType | None = UNSET
    """An IETF language tag; null: as the outside identity says."""
    default_style_id: str | UnsetType | None = UNSET
    default_size: str | UnsetType | None = UNSET
    """WIDTHxHEIGHT in pixels."""
    notifications: bool | UnsetType = UNSET
    """Whether the bot may write when pictures are done."""
    analytics: bool | UnsetType = UNSET
    """False: this account is left out of analyses."""
    prompt_in_files: bool | UnsetType = UNSET
    """Whether the files of pictures hold the words that they were made from."""


class ConsentGiven(Fact, frozen=True, kw_only=True, gc=False, tag="ConsentGiven.v1"):
    """A person agreed to a document."""

    purpose: str
    """`terms`, `privacy` or `marketing`; an open vocabulary (`commands.consents`)."""
    version: str
    """Of the document that was shown."""


class ConsentWithdrawn(Fact, frozen=True, kw_only=True, gc=False, tag="ConsentWithdrawn.v1"):
    """A person took an agreement back."""

    purpose: str
    version: str
    """Which version had been agreed to."""
