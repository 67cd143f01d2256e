"""What people are told of errors whose own message speaks to an operator."""

from __future__ import annotations

from typing import Final

HIDDEN_DETAILS: Final[dict[str, str]] = {
    "database-unavailable": "The database does not answer at the moment. Try again shortly.",
    "objects-unavailable": "The object storage does not answer at the moment. Try again shortly.",
    "scanner-unavailable": (
        "What looks for malware does not answer at the moment. Nothing is lost; try again shortly."
    ),
    "log-overloaded": (
        "More is being asked than can be taken. Nothing was done; try again shortly, with the "
        "same Idempotency-Key if you sent one."
    ),
    "append-unknown": (
        "Your request was sent on, but nobody knows yet whether it was taken. Send it again with "
        "the same Idempotency-Key to find out; it will not be done twice."
    ),
    "read-models-missing": "The read models are being built. Try again shortly.",
    "clock-unset": "The service is starting. Try again shortly.",
    "record-too-large": "The request is too large to be kept. Make it shorter.",
    "not-sealable": "A text holds characters that are no Unicode text. Remove them.",
    "key-destroyed": "This account was erased. Sign in again to make a new one.",
    "stripe-slow-down": "Stripe is asked for too much at the moment. Try again shortly.",
    "stripe-unreachable": "Stripe does not answer at the moment. Try again shortly.",
    "oidc-unavailable": "The issuer that you sign in with does not answer. Try again shortly.",
    "telegram-slow-down": "Telegram is asked for too much at the moment. Try again shortly.",
    "telegram-unreachable": "Telegram does not answer at the moment. Try again shortly.",
    "internal": "This is our fault, and it was recorded. Try again, or tell us the request id.",
}
"""By code."""
