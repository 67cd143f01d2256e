"""What admins send and are shown."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.access.api_keys_store import ApiKeyRequest, NewApiKeyDocument
from gateway.api.documents import Id, Time, says

Reason = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=500,
        description="Why, in your words; recorded for ever, readable while the account exists.",
    ),
]
GrantedRole = Literal["analyst", "auditor", "admin"]
"""`permissions.GRANTED`, for the contract; a test holds the two together."""


class ReasonRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why something is done."""

    reason: Reason


class RoleRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which role, and why."""

    role: GrantedRole
    reason: Reason


class CustomerRequest(ApiKeyRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An API customer, and its first key."""

    customer: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=200,
            description="What the customer is called; sealed, like every name.",
        ),
    ]
    reason: Reason


class CustomerKeyRequest(ApiKeyRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A further key for an API customer."""

    reason: Reason


class AccountDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An account as admins see it: nothing of what its owner wrote."""

    id: Id
    status: Annotated[str, says("`active` or `banned`.")]
    roles: Annotated[tuple[str, ...], says("Granted by admins.")]
    appointed_roles: Annotated[tuple[str, ...], says("Given by the settings.")]
    created_at: Time | None


class CustomerDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A new API customer, and its first key, which is shown only here."""

    account: AccountDocument
    api_key: NewApiKeyDocument
