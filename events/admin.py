"""What somebody did with a right that not everybody has, or that opens an account to a program.

Facts without effect on credits. Each stands with the account that it is about, and says who did
it, why, and what was so before and after. They are appended after PostgreSQL was changed
(`gateway/access/acts.py`), so who reads them can rely on the database knowing already.
"""

from __future__ import annotations

from events.base import Fact, Millis, Sealed
from events.ids import AccountId, SourceId, UuidText


class Act(Fact, frozen=True, kw_only=True, gc=False):
    """Somebody did something to an account."""

    actor: AccountId
    """Who did it; the account itself, where it acted on what is its own."""
    reason: Sealed | None = None
    """In the actor's words; None: nobody was asked for one. Sealed for the account it is about."""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


class RoleGranted(Act, frozen=True, kw_only=True, gc=False, tag="RoleGranted.v1"):
    """An admin gave an account a role; before and after: all roles it was and is granted."""

    role: str


class RoleRevoked(Act, frozen=True, kw_only=True, gc=False, tag="RoleRevoked.v1"):
    """An admin took a role from an account; before and after: as of `RoleGranted`."""

    role: str


class AccountBanned(Act, frozen=True, kw_only=True, gc=False, tag="AccountBanned.v1"):
    """An admin blocked an account, and its person for any other; from `active` to `banned`."""


class AccountUnbanned(Act, frozen=True, kw_only=True, gc=False, tag="AccountUnbanned.v1"):
    """An admin lifted a ban; from `banned` to `active`."""


class CustomerAdmitted(Act, frozen=True, kw_only=True, gc=False, tag="CustomerAdmitted.v1"):
    """An admin made an account for an API customer; `UserRegistered` comes before it."""


class ApiKeyCreated(Act, frozen=True, kw_only=True, gc=False, tag="ApiKeyCreated.v1"):
    """An account has a new API key; after: its scopes. Nothing here helps to find the key."""

    key_id: UuidText
    name: Sealed | None = None
    expires_at_ms: Millis | None = None


class ApiKeyRevoked(Act, frozen=True, kw_only=True, gc=False, tag="ApiKeyRevoked.v1"):
    """An API key is worth nothing any more; before: its scopes."""

    key_id: UuidText


class RefundOrdered(Act, frozen=True, kw_only=True, gc=False, tag="RefundOrdered.v1"):
    """An admin gives a purchase back; told before the money moves, whatever becomes of that."""

    purchase_id: SourceId


ACTS = (
    RoleGranted,
    RoleRevoked,
    AccountBanned,
    AccountUnbanned,
    CustomerAdmitted,
    ApiKeyCreated,
    ApiKeyRevoked,
    RefundOrdered,
)
