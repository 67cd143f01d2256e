"""What is told outside: which decisions an API customer's webhook hears of, and in what words.

Only decisions are told. A fact may be contradicted or come too late; a decision that counts is
final (`events.chain`), and whether it counts is for the caller to find out. Nothing personal is
in it: what a customer wants to see more of, it reads at the API, as itself.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from events.base import Decision
from events.credits import (
    CreditsExpired,
    CreditsGranted,
    CreditsReserved,
    CreditsRevoked,
    CreditsSettled,
)
from events.envelope import rfc3339, type_header_of
from events.generations import GenerationRejected
from events.gifts import GIFT_DECISIONS, GiftRefused, GiftReturned, GiftSent

TYPES: Final = {
    "generation.admitted": "It was admitted; its price is set aside.",
    "generation.done": "At least one picture was made, and only what was made is charged.",
    "generation.failed": "No picture was made; everything was returned.",
    "generation.cancelled": "It was cancelled before anybody paid for it.",
    "generation.rejected": "It was not admitted; nothing was charged.",
    "credits.granted": "Credits came in.",
    "credits.revoked": "A purchase was refunded or charged back; its credits left again.",
    "credits.expired": "Credits ended unused.",
    "gift.sent": "Credits left for whoever receives the gift.",
    "gift.refused": "The gift could not be made; nothing moved.",
    "gift.returned": "Nobody received the gift; its credits came back.",
}
"""Every type, and what it says."""

TEST: Final = "webhook.test"
"""The type of what `POST /webhooks/{id}/test` sends; no event of the log, and not filtered."""

_STATUS_OF: Final = {"completed": "done", "cancelled": "cancelled"}


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a webhook, as Standard Webhooks recommends it."""

    type: str
    timestamp: str
    """When it was decided, by the log's clock; RFC 3339."""
    data: dict[str, Any]


HEADERS: Final = frozenset(
    type_header_of(kind)[1]
    for kind in (
        CreditsReserved,
        CreditsSettled,
        GenerationRejected,
        CreditsGranted,
        CreditsRevoked,
        CreditsExpired,
        *GIFT_DECISIONS,
    )
)
"""The `ce_type` headers of everything that may be told; what has another is not worth decoding."""


def message_of(event: object, appended_at_ms: int) -> Message | None:
    """What is told of an event; None: nothing."""
    told = _told(event) if isinstance(event, Decision) else None
    if told is None:
        return None
    kind, data = told
    assert kind in TYPES
    return Message(type=kind, timestamp=rfc3339(appended_at_ms), data=data)


def trial_message(now_ms: int) -> Message:
    """What a customer has sent to itself, to see whether it arrives."""
    return Message(type=TEST, timestamp=rfc3339(now_ms), data={})


def encode_message(message: Message) -> bytes:
    """The bytes that are signed and sent."""
    return msgspec.json.encode(message)


def _told(event: Decision) -> tuple[str, dict[str, Any]] | None:
    return _of_generation(event) or _of_credits(event) or _of_gift(event)


def _of_generation(event: Decision) -> tuple[str, dict[str, Any]] | None:
    match event:
        case CreditsReserved():
            return "generation.admitted", {
                "generation_id": event.generation_id,
                "status": "pending",
                "credits": {"reserved": event.credits},
            }
        case CreditsSettled():
            status = _STATUS_OF.get(event.outcome, "failed")
            return f"generation.{status}", {
                "generation_id": event.generation_id,
                "status": status,
                "timed_out": event.outcome == "timed_out",
                "credits": {"captured": event.captured, "returned": event.returned},
            }
        case GenerationRejected():
            return "generation.rejected", {
                "generation_id": event.generation_id,
                "status": "rejected",
                "error": {"code": event.reason, "retry_after_ms": event.retry_after_ms},
            }
    return None


def _of_credits(event: Decision) -> tuple[str, dict[str, Any]] | None:
    match event:
        case CreditsGranted():
            expires = event.expires_at_ms
            return "credits.granted", {
                "grant_id": event.source_id,
                "why": event.why,
                "credits": event.credits,
                "debt_paid": event.debt_paid,
                "expires_at": None if expires is None else rfc3339(expires),
            }
        case CreditsRevoked():
            return "credits.revoked", {
                "grant_id": event.source_id,
                "why": event.why,
                "credits": event.credits,
                "debt_added": event.debt_added,
            }
        case CreditsExpired():
            return "credits.expired", {"why": event.why, "credits": event.credits}
    return None


def _of_gift(event: Decision) -> tuple[str, dict[str, Any]] | None:
    match event:
        case GiftSent():
            return "gift.sent", {"gift_id": event.gift_id, "credits": event.credits}
        case GiftRefused():
            return "gift.refused", {"gift_id": event.gift_id, "error": {"code": event.reason}}
        case GiftReturned():
            return "gift.returned", {
                "gift_id": event.gift_id,
                "credits": event.credits,
                "debt_paid": event.debt_paid,
                "expired": event.expired,
            }
    return None
