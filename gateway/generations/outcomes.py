"""What became of a request, in words: rejections as problems, repetitions as what they repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from commands.moderation import CATEGORIES
from gateway.api.documents import GenerationDocument
from gateway.generations.reads import find_document, missing
from gateway.identity.signed_in import Account
from gateway.limits.quotas import ADMISSION
from gateway.live.changes import Rejected
from gateway.live.tail import FINAL, Known
from gateway.web.cursors import LogPosition, token_header
from gateway.web.errors import Answer, Problem
from gateway.web.sentences import SENTENCES, prohibited_sentence

if TYPE_CHECKING:
    from gateway.deps import Deps

REASONS: Final = {
    "prohibited": "prohibited",
    "unavailable": "unavailable",
    "over_budget": "unavailable",
    "rate_limited": "rate-limited",
    "batch_in_flight": "batch-in-flight",
    "insufficient_credits": "insufficient-credits",
    "timed_out": "timed-out",
    "account_erased": "account-erased",
}
"""`GenerationRejected.reason` → the code of its problem."""


def decided_problem(decision: Rejected, generation_id: str) -> Problem:
    """The refusal that was decided in the log."""
    return rejection(
        decision.reason,
        generation_id,
        credits_needed=decision.credits_needed,
        credits_available=decision.credits_available,
        retry_after_ms=decision.retry_after_ms,
        category=CATEGORIES.get(decision.rule_id or ""),
    )


def rejection(
    reason: str,
    generation_id: str,
    *,
    credits_needed: int = 0,
    credits_available: int = 0,
    retry_after_ms: int = 0,
    category: str | None = None,
) -> Problem:
    """A refusal in words, with what the client needs to go on."""
    members: dict[str, Any] = {"generation_id": generation_id}
    headers: list[tuple[bytes, bytes]] = []
    detail = SENTENCES.get(reason, "It was refused. Nothing was charged.")
    if reason == "insufficient_credits" and credits_needed:
        members |= {"credits_needed": credits_needed, "credits_available": credits_available}
        detail = (
            f"This costs {credits_needed} credits and you have {credits_available}. Nothing was "
            "charged. Buy a pack (GET /packs) or ask for less, with a new Idempotency-Key."
        )
    elif category is not None:
        members["reason"] = category
        detail = prohibited_sentence(category)
    elif reason == "rate_limited":
        members["retry_after"] = max(1, -(-retry_after_ms // 1000))
        detail += f" Try again in {members['retry_after']} s, with a new Idempotency-Key."
        headers = ADMISSION.left(0, members["retry_after"])
    return Problem(REASONS.get(reason, "unavailable"), detail, headers=headers, **members)


def reused(generation_id: str) -> Problem:
    """The refusal of a key that names another request."""
    return Problem(
        "idempotency-key-reused",
        "This Idempotency-Key was used for a request with another body. Use a new key for a new "
        "request. Nothing was charged for this one.",
        generation_id=generation_id,
    )


async def replayed(deps: Deps, account: Account, generation_id: str, known: Known | None) -> Answer:
    """What became of an earlier request: 200 when it is finished, 202 when it is not.

    Raises:
        Problem: it was rejected, or it is not readable yet.
    """
    if known is not None and isinstance(known.decision, Rejected):
        raise decided_problem(known.decision, generation_id)
    if known is not None:
        await deps.consistency.passed(LogPosition(known.partition, known.offset))
    document = await find_document(deps, account, UUID(generation_id))
    if document is None:
        raise missing(deps)
    if document.status == "rejected" and document.error is not None:
        retry_after = document.error.retry_after or 0
        raise rejection(
            document.error.code,
            generation_id,
            retry_after_ms=retry_after * 1000,
            category=document.error.reason,
        )
    return _answer(document, known)


def _answer(document: GenerationDocument, known: Known | None) -> Answer:
    headers = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        (b"location", b"/generations/" + document.id.encode()),
    ]
    if known is not None:
        headers.append(token_header(known.partition, known.offset))
    status = 200 if document.status in FINAL else 202
    return Answer(status, headers, msgspec.json.encode(document))
