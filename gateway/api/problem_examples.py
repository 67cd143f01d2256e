"""Examples of problems, by code: what a person might be told."""

from __future__ import annotations

from typing import Any, Final

from gateway.access import examples as access_examples
from gateway.generations.outcomes import REASONS
from gateway.grants import examples as grants
from gateway.identity import examples as identities
from gateway.web.sentences import SENTENCES

GENERATION: Final = "5c3f7a1e-2b1d-5e0c-8f55-0d5b6f4a9c21"

DETAILS: dict[str, str] = {
    "malformed-json": "The body is not valid JSON in UTF-8. Check it and send it again.",
    "invalid-request": "The field count must be at most 4.",
    "invalid-parameter": "The parameter limit must be a whole number.",
    "invalid-header": "Send the header Authorization only once.",
    "cursor-invalid": "The cursor is not one that this service gave out.",
    "batch-in-flight": SENTENCES["batch_in_flight"],
    "kind-not-available": "Generations of the kind thumbnail are not available yet.",
    "idempotency-key-missing": (
        "Send an Idempotency-Key header: any text of your own that names this request, and the "
        "same one when you repeat it."
    ),
    "idempotency-key-invalid": (
        "Send one Idempotency-Key of 1 to 255 visible ASCII characters, without blanks."
    ),
    "idempotency-key-reused": (
        "This Idempotency-Key was used for a request with another body. Use a new key for a new "
        "request. Nothing was charged for this one."
    ),
    "body-too-large": "The body is larger than 65536 bytes, which is the most taken here.",
    "body-too-deep": "The body nests more than 32 levels. Flatten it.",
    "headers-too-large": "The headers are larger than 32768 bytes together.",
    "address-too-long": "The address is longer than 8192 bytes.",
    "too-many-requests": "This API key has no requests left for now. Wait 412 s.",
    "body-too-slow": "The body took too long to arrive. Send it again.",
    "unsupported-media-type": "Send the body as Content-Type: application/json.",
    "not-found": "There is no generation with this id.",
    "token-missing": "Send an Authorization header: `Bearer` with the access token of POST "
    "/auth/login, or `tma` with Telegram init data.",
    "webhook-secret-invalid": (
        "Send the header X-Telegram-Bot-Api-Secret-Token once, with the secret that the webhook "
        "was set up with."
    ),
    "telegram-not-configured": "No bot is set up here: TELEGRAM_WEBHOOK_SECRET is not set.",
    "webhook-not-genuine": "The message is not taken for genuine. No signature is right.",
    "webhook-keys-unavailable": "fal's keys cannot be had.",
    "token-invalid": "The access token has expired. Sign in again.",
    "init-data-invalid": "The Telegram sign-in data cannot be used: its hash does not match.",
    "init-data-expired": "The Telegram sign-in data is too old. Open the app again.",
    "account-erased": "This account was erased.",
    "account-banned": "This account is blocked. Write to support.",
    "scope-missing": "This API key does not have the scope credits:buy. Use a key that has it.",
    "role-missing": "Only an account with the role admin may do this.",
    "insufficient-credits": (
        "This costs 8 credits and you have 5. Nothing was charged. Buy a pack (GET /packs) or ask "
        "for less, with a new Idempotency-Key."
    ),
    "too-many-webhooks": "There can be 10 webhooks. Remove one.",
    "being-made": "It is being made already and can no longer be cancelled.",
    "already-finished": "It is done already; there is nothing to cancel.",
    "consent-outdated": (
        "The document terms is shown in version 2026-01 now. Show that one and send its version."
    ),
    "not-appealable": "This generation was not refused for what it asks for or shows.",
    "too-many-appeals": "There can be 10 open appeals. Wait for an answer.",
    "appeal-decided": "This appeal was decided already: upheld.",
    "nothing-to-share": "It has no picture that could be shown.",
    "upload-refused": "The photo cannot be read; it may be damaged. Send another.",
    "upload-missing": "The file has not come. Send it by the form, then complete it.",
    "upload-over": "The upload has expired, or was removed. Begin another with POST /uploads.",
    "upload-in-use": (
        "A generation that is not finished begins with this photo. Wait for it, or cancel it."
    ),
    "upload-unusable": f"The upload {GENERATION} has expired. Send the photo again.",
    "too-many-uploads": (
        "10 photos are on their way. Send or complete one of them first, or wait 90 s."
    ),
    "too-many-shares": "There can be 1000 links at once. Take one back.",
    "gone-from-bin": "It was deleted more than 30 days ago and is gone.",
    "refund-too-late": "A purchase can be given back for 14 days. Write to support about this one.",
    "refund-spent": "Credits of this purchase were used. Write to support about it.",
    "payment-refused": "No page to pay on could be made. Nothing was bought.",
    "refund-refused": "Stripe did not give this money back. Look at it there.",
    "stripe-not-configured": "STRIPE_SECRET_KEY or STRIPE_WEBHOOK_SECRET is not set here.",
    "payments-not-configured": "This installation cannot take payments yet. Nothing was bought.",
    "overloaded": (
        "More requests are under way than this service takes on. Wait a moment, then try again."
    ),
    "not-caught-up": "What you wrote is safe but not readable yet. Ask again shortly.",
    "too-many-streams": "Too many event streams are open here. Try again later.",
}
DETAILS |= identities.DETAILS
DETAILS |= access_examples.DETAILS
DETAILS |= grants.DETAILS
DETAILS |= {code: SENTENCES[reason] for reason, code in REASONS.items() if code not in DETAILS}
"""By code: what a person might be told, where `errors` has no sentence of its own."""

MEMBERS: Final[dict[str, dict[str, Any]]] = {
    "invalid-request": {"errors": [{"field": "count", "reason": "must be at most 4"}]},
    "invalid-parameter": {"errors": [{"field": "limit", "reason": "must be a whole number"}]},
    "upload-refused": {"reason": "unreadable"},
    "too-many-uploads": {"retry_after": 90},
    "insufficient-credits": {
        "generation_id": GENERATION,
        "credits_needed": 8,
        "credits_available": 5,
    },
    "rate-limited": {"generation_id": GENERATION, "retry_after": 9},
    "batch-in-flight": {"generation_id": GENERATION},
    "too-many-requests": {"retry_after": 412},
    "prohibited": {"generation_id": GENERATION},
    "unavailable": {"generation_id": GENERATION},
    "timed-out": {"generation_id": GENERATION, "retry_after": 1},
    "idempotency-key-reused": {"generation_id": GENERATION},
}
"""By code: the members of a problem that are its own."""
