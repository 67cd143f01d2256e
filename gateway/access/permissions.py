"""What who asks may do: the one place where a route's needs meet a caller's roles and scopes.

A route states its needs in its `contract(...)`. People may do everything with what is theirs, so
for them only `roles` counts. API keys and tickets hold scopes: they may call only what names
scopes, and only if they hold them all; a route that names none is closed to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.web.errors import Problem

if TYPE_CHECKING:
    from gateway.api.contract import Contract
    from gateway.identity.signed_in import Account

USER: Final = "user"
ANALYST: Final = "analyst"
AUDITOR: Final = "auditor"
ADMIN: Final = "admin"
ROLES: Final = {
    USER: "Everybody who signed in.",
    ANALYST: "Sees statistics of all accounts, and nobody's words.",
    AUDITOR: "Sees every account's ledger and the proofs behind it.",
    ADMIN: "Grants roles, bans, and makes accounts for API customers.",
}
"""What an account can be; `user` is not granted, the others are."""
GRANTED: Final = frozenset(ROLES) - {USER}
PERSON: Final = frozenset({USER})
"""The roles of who has no other."""

GENERATIONS_READ: Final = "generations:read"
GENERATIONS_WRITE: Final = "generations:write"
EVENTS_READ: Final = "events:read"
CREDITS_READ: Final = "credits:read"
CREDITS_BUY: Final = "credits:buy"
WEBHOOKS_MANAGE: Final = "webhooks:manage"
API_KEYS_MANAGE: Final = "api-keys:manage"
SCOPES: Final = {
    GENERATIONS_READ: "See generations and their pictures.",
    GENERATIONS_WRITE: "Ask for pictures, cancel, throw away and take back.",
    EVENTS_READ: "Watch what happens, live.",
    CREDITS_READ: "See the balance, its ledger and the purchases.",
    CREDITS_BUY: "Buy credits.",
    WEBHOOKS_MANAGE: "Make, see, change and remove webhooks.",
    API_KEYS_MANAGE: "Make, see and revoke API keys, with no more scopes than its own.",
}
"""What an API key can be allowed."""


def require(account: Account, contract: Contract) -> None:
    """Refuse who may not do what the contract is about.

    Raises:
        Problem: `role-missing` or `scope-missing`, saying what is missing.
    """
    if contract.roles and account.roles.isdisjoint(contract.roles):
        wanted = " or ".join(contract.roles)
        raise Problem("role-missing", f"Only an account with the role {wanted} may do this.")
    if account.scopes is None:
        return
    if not contract.scopes:
        raise Problem(
            "scope-missing",
            "An API key cannot do this. Sign in as a person, with POST /auth/login.",
        )
    missing = [scope for scope in contract.scopes if scope not in account.scopes]
    if missing:
        raise Problem(
            "scope-missing",
            f"This API key does not have the scope {missing[0]}. Use a key that has it.",
        )
