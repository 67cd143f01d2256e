"""Examples of identities, for the contract."""

from __future__ import annotations

from typing import Any, Final

from gateway.identity.links import Identities, IdentityDocument
from gateway.identity.oidc_start import OidcFlowDocument
from gateway.identity.proofs import Proof

_identity = IdentityDocument(
    id="3f1d2c8a-9b7e-4a54-8c1f-2f6d0a7b5e90",
    provider="telegram",
    issuer=None,
    subject_id="42",
    linked_at="2026-01-01T00:00:00.000Z",
)

BY_SHAPE: Final[dict[type, Any]] = {
    type(one): one
    for one in (
        _identity,
        Identities(items=(_identity,)),
        Proof(init_data="query_id=AAE…&user=%7B%22id%22%3A42…&auth_date=1767225600&hash=…"),
        OidcFlowDocument(
            authorization_url="https://issuer.example/authorize?client_id=pixelpop&state=…",
            flow="eyJhbGciOiJIUzI1NiIsImtpZCI6Ij…",
            expires_in=600,
        ),
    )
}
"""By shape."""
DETAILS: Final = {
    "proof-used": "This sign-in data was used already. Close the MiniApp and open it again.",
    "oidc-invalid": "This sign-in cannot be used: its state belongs to another sign-in.",
    "sign-in-too-old": (
        "You proved who you are more than 10 minutes ago. Open the MiniApp anew, or sign in again "
        "with new data, then repeat this."
    ),
    "identity-taken": "This identity signs in to another account. Erase that one first.",
    "identity-last": "This is the only way to sign in to this account. Link another one first.",
    "identity-owes": "The account owes 3 credits. Pay them before you take an identity away.",
    "too-many-identities": "This account has 10 identities, which is the most. Unlink one first.",
    "oidc-not-configured": "No issuer of OpenID Connect is set up here.",
    "login-widget-off": (
        "The Telegram Login Widget does not sign in here. Open the app in Telegram."
    ),
}
"""By code."""
