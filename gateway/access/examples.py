"""Examples of what API keys and administration send and answer."""

from __future__ import annotations

from typing import Final

from events.envelope import rfc3339
from gateway.access.admin_documents import (
    AccountDocument,
    CustomerDocument,
    CustomerKeyRequest,
    CustomerRequest,
    ReasonRequest,
    RoleRequest,
)
from gateway.access.api_keys_store import ApiKeyDocument, ApiKeyRequest, ApiKeys, NewApiKeyDocument

_ACCOUNT: Final = "0b0f1c52-6f0e-4a2b-9b56-2f1f6c1f4c1e"
_ADMIN: Final = "3d1c5c1e-74b0-4a53-9d9e-5a3c1f0e8b77"
_KEY_ID: Final = "c0a8f9d2-5b3e-4c11-8f6a-1d2e3f4a5b6c"
_AT: Final = rfc3339(1_767_225_600_000)
_SCOPES: Final = ("credits:read", "generations:read", "generations:write")
_HINT: Final = "pp_live_4Zr9Qa"

_key_request = ApiKeyRequest(
    name="shop server", scopes=("generations:write", "generations:read", "credits:read")
)
_key = ApiKeyDocument(
    id=_KEY_ID,
    name="shop server",
    hint=_HINT,
    scopes=_SCOPES,
    created_at=_AT,
    created_by=_ACCOUNT,
    last_used_at=_AT,
)
_new_key = NewApiKeyDocument(
    id=_KEY_ID,
    name="shop server",
    hint=_HINT,
    key=f"{_HINT}…",
    scopes=_SCOPES,
    created_at=_AT,
    created_by=_ACCOUNT,
)
_account = AccountDocument(
    id=_ACCOUNT, status="active", roles=("auditor",), appointed_roles=(), created_at=_AT
)

SHOWN: Final = (
    _key_request,
    _key,
    _new_key,
    ApiKeys(items=(_key,)),
    _account,
    ReasonRequest(reason="Resells pictures of other people, ticket 4711."),
    RoleRequest(role="auditor", reason="Yearly audit, until March."),
    CustomerRequest(
        customer="Print Shop",
        name="shop server",
        scopes=("generations:write", "generations:read", "credits:read"),
        reason="Contract 2026-017.",
    ),
    CustomerKeyRequest(name="second server", scopes=("generations:read",), reason="Asked for it."),
    CustomerDocument(account=_account, api_key=_new_key),
)
DETAILS: Final = {
    "too-many-api-keys": "The account has 25 API keys, which is the most. Revoke one first.",
    "role-from-settings": "The settings give this account the role admin. Change them instead.",
    "account-is-admin": "This account is an admin's. Take the role from it first.",
    "account-is-person": (
        "A person signs in to this account. Only that person may make keys for it."
    ),
}
