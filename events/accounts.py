"""Everything that can have happened to an account itself."""

from __future__ import annotations

from events.base import Credits, Millis, MoneyFact, Sealed


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
