"""Everything that can have happened to an account itself."""

from __future__ import annotations

from events.base import Credits, Millis, MoneyFact, Sealed
from events.ids import SourceId


class UserRegistered(MoneyFact, frozen=True, kw_only=True, gc=False, tag="UserRegistered.v1"):
    """A person signed in for the first time."""

    welcome_credits: Credits
    """0 when this person was welcomed before, under an account that may be erased by now."""
    welcome_expires_at_ms: Millis | None = None
    display_name: Sealed | None = None
    language: str | None = None
    """An IETF language tag."""


class AccountErased(MoneyFact, frozen=True, kw_only=True, gc=False, tag="AccountErased.v1"):
    """The account ends; its key is destroyed next, and with it every personal field (design §6)."""

    reason: str
    """`user` or `operator`."""


class DebtCarried(MoneyFact, frozen=True, kw_only=True, gc=False, tag="DebtCarried.v1"):
    """A person who comes back owes what an erased account of theirs owed (design §6).

    It does not say which account that was: nobody can tell from the log that two are one person's.
    """

    source_id: SourceId
    """The debt; told twice, it counts once."""
    credits: Credits
