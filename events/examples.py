"""One example of every event, job and progress note: the golden records begin as these.

An example once recorded under `schemas/golden/` stays there as it was written, whatever becomes of
this file: it stands for the records of that version that are in the log for ever.
"""

from __future__ import annotations

from typing import Any, Final

from events import batch_examples, grant_examples, ids, live_examples, moderation_examples, postings
from events.accounts import AccountErased, DebtCarried, UserRegistered
from events.admin import (
    AccountBanned,
    AccountUnbanned,
    ApiKeyCreated,
    ApiKeyRevoked,
    CustomerAdmitted,
    RefundOrdered,
    RoleGranted,
    RoleRevoked,
)
from events.base import ZERO_HASH, Draw, Sealed
from events.credits import (
    CreditsExpired,
    CreditsGranted,
    CreditsReserved,
    CreditsRevoked,
    CreditsSettled,
)
from events.generations import (
    GenerationCancelled,
    GenerationCompleted,
    GenerationDeleted,
    GenerationFailed,
    GenerationRejected,
    GenerationRequested,
    GenerationRestored,
    GenerationStarted,
    Image,
    ImageDeleted,
    ImageRestored,
    Moderation,
    ProviderCallUncertain,
)
from events.ids import AccountId, SourceId
from events.jobs import DiscardJob, GenerateJob
from events.preferences import ConsentGiven, ConsentWithdrawn, PreferencesChanged
from events.purchases import CreditsPurchased, PaymentFinding, PurchaseRefunded
from events.sharing import ImageDownloaded, ImageShared, ShareRevoked
from events.telegram import TelegramChatChanged
from events.uploads import UploadCompleted

ACCOUNT: Final = AccountId("5f0c1a52-7c64-4b0e-9d2f-3b1f0a9f6d11")
AT_MS: Final = 1_767_225_600_000
_GENERATION = ids.generation_id(ACCOUNT, "example")
_PURCHASE = SourceId(ids.derive("example", "purchase"))
_ACTOR = AccountId("2c9c9d7a-6a1f-4b0a-8a54-0f4f3a3de3a7")
_KEY = ids.derive("example", "api-key")
_SHARE = ids.derive("example", "share")
_UPLOAD = ids.derive("example", "upload")
_OBJECTS = f"generations/{ACCOUNT}/{_GENERATION}"
_FACT: dict[str, Any] = {"account_id": ACCOUNT, "occurred_at_ms": AT_MS}
_ACT: dict[str, Any] = {
    **_FACT,
    "actor": _ACTOR,
    "reason": Sealed("v1.QEFCQ0RFRkdISUpLTE1OTw"),
}
_ABOUT: dict[str, Any] = {**_FACT, "generation_id": _GENERATION}
_IMAGE = ids.image_id(_GENERATION, 0)
_TEN_MINUTES_MS = 600_000
_YEAR_MS = 365 * 24 * 3_600_000


def _link(sequence: int) -> dict[str, Any]:
    return {
        "account_id": ACCOUNT,
        "sequence": sequence,
        "previous_hash": ZERO_HASH if sequence == 1 else "ab" * 32,
        "cause_hash": "cd" * 32,
        "decided_at_ms": AT_MS,
    }


_REQUESTED = GenerationRequested(
    **_ABOUT,
    kind="image",
    prompt=Sealed("v1.AAECAwQFBgcICQoLDA0ODw"),
    negative_prompt=Sealed("v1.EBESExQVFhcYGRobHB0eHw"),
    style_id="watercolor",
    size="1024x1024",
    count=4,
    seed=42,
    model="preview",
    quality="standard",
    body_mac="ef" * 32,
    prohibited=Moderation("example-rule", "2026-01"),
)

FACTS: Final = (
    UserRegistered(
        **_FACT,
        welcome_credits=5,
        welcome_expires_at_ms=AT_MS + _YEAR_MS,
        display_name=Sealed("v1.ICEiIyQlJicoKSorLC0uLw"),
        language="en",
    ),
    AccountErased(**_FACT, reason="user"),
    DebtCarried(**_FACT, source_id=SourceId(ids.derive("example", "debt")), credits=4),
    PreferencesChanged(
        **_FACT,
        language="de",
        default_style_id="watercolor",
        default_size="1024x1024",
        notifications=False,
        analytics=False,
    ),
    ConsentGiven(**_FACT, purpose="terms", version="2026-01"),
    ConsentWithdrawn(**_FACT, purpose="marketing", version="2026-01"),
    TelegramChatChanged(**_FACT, reachable=False, update_id=123_456_789),
    RoleGranted(**_ACT, role="auditor", before=("analyst",), after=("analyst", "auditor")),
    RoleRevoked(**_ACT, role="auditor", before=("analyst", "auditor"), after=("analyst",)),
    AccountBanned(**_ACT, before=("active",), after=("banned",)),
    AccountUnbanned(**_ACT, before=("banned",), after=("active",)),
    CustomerAdmitted(**_ACT, after=("active",)),
    ApiKeyCreated(
        **_ACT,
        key_id=_KEY,
        name=Sealed("v1.MDEyMzQ1Njc4OTo7PD0-Pw"),
        expires_at_ms=AT_MS + _YEAR_MS,
        after=("credits:read", "generations:write"),
    ),
    ApiKeyRevoked(**_ACT, key_id=_KEY, before=("credits:read", "generations:write")),
    RefundOrdered(**_ACT, before=("paid",), after=("refunded",), purchase_id=_PURCHASE),
    CreditsPurchased(
        **_FACT,
        purchase_id=_PURCHASE,
        provider="stars",
        pack_id="starter",
        credits=10,
        amount=50,
        currency="XTR",
        expires_at_ms=AT_MS + _YEAR_MS,
        charge_id=Sealed("v1.QEFCQ0RFRkdISUpLTE1OTw"),
        offer_id=ids.derive("example", "offer"),
    ),
    PurchaseRefunded(**_FACT, purchase_id=_PURCHASE, refund_id="refund-1", reason="refund"),
    PaymentFinding(
        **_FACT,
        provider="stars",
        kind="amount-mismatch",
        purchase_id=_PURCHASE,
        amount=1,
        currency="XTR",
        expected_amount=50,
        expected_currency="XTR",
    ),
    *grant_examples.facts(_FACT, _ACT, AT_MS + _YEAR_MS),
    *grant_examples.gift_facts(_FACT, AT_MS + _YEAR_MS),
    _REQUESTED,
    batch_examples.batch_of(_REQUESTED),
    GenerationStarted(**_ABOUT, attempt=1, provider="local"),
    GenerationCompleted(
        **_ABOUT,
        images=(
            Image(
                image_id=_IMAGE,
                index=0,
                object_key=f"{_OBJECTS}/0.png",
                preview_key=f"{_OBJECTS}/0.webp",
                width=1024,
                height=1024,
                content_type="image/png",
                size_bytes=123_456,
                sha256="01" * 32,
            ),
        ),
        failed_count=3,
        provider="local",
        model="preview",
        attempt=2,
    ),
    GenerationFailed(
        **_ABOUT,
        reason="provider_unavailable",
        detail="The image service did not answer. Nothing was charged.",
        attempt=3,
    ),
    GenerationCancelled(**_ABOUT),
    ProviderCallUncertain(**_ABOUT, attempt=1, provider="openai"),
    GenerationDeleted(**_ABOUT),
    GenerationRestored(**_ABOUT),
    ImageDeleted(**_ABOUT, image_id=_IMAGE),
    ImageRestored(**_ABOUT, image_id=_IMAGE),
    *moderation_examples.facts(_ABOUT, _ACT),
    ImageShared(
        **_ABOUT,
        image_id=_IMAGE,
        share_id=_SHARE,
        via="link",
        shows_prompt=True,
        expires_at_ms=AT_MS + _YEAR_MS,
    ),
    ShareRevoked(**_ABOUT, share_id=_SHARE),
    UploadCompleted(
        **_FACT,
        upload_id=_UPLOAD,
        object_key=f"uploads/{ACCOUNT}/{_UPLOAD}.webp",
        content_type="image/webp",
        width=2048,
        height=1536,
        size_bytes=412_345,
        sha256="ab" * 32,
        scan="unchecked",
    ),
    ImageDownloaded(**_ABOUT, image_id=_IMAGE),
)

DECISIONS: Final = (
    CreditsGranted(
        **_link(1),
        source_id=_PURCHASE,
        why="purchase",
        origin="stars",
        credits=10,
        debt_paid=2,
        expires_at_ms=AT_MS + _YEAR_MS,
        postings=postings.granted("stars", 10, 2),
    ),
    CreditsReserved(
        **_link(2),
        generation_id=_GENERATION,
        credits=4,
        price=1,
        draws=(Draw(_PURCHASE, 4),),
        deadline_ms=AT_MS + _TEN_MINUTES_MS,
        bucket_tokens_ms=48_000,
        postings=postings.reserved(4),
    ),
    GenerationRejected(
        **_link(2),
        generation_id=_GENERATION,
        reason="rate_limited",
        credits_needed=4,
        credits_available=8,
        retry_after_ms=12_000,
        rule_id="example-rule",
    ),
    CreditsSettled(
        **_link(3),
        generation_id=_GENERATION,
        outcome="completed",
        captured=1,
        returned=3,
        debt_paid=1,
        expired=1,
        returns=(Draw(_PURCHASE, 1),),
        postings=postings.settled(1, 3, 1, 1),
    ),
    CreditsRevoked(
        **_link(4),
        source_id=_PURCHASE,
        refund_id="refund-1",
        why="refund",
        origin="stars",
        credits=10,
        draws=(Draw(_PURCHASE, 6),),
        debt_added=4,
        postings=postings.revoked("stars", 10, 4),
    ),
    CreditsExpired(
        **_link(5),
        why="erasure",
        draws=(Draw(_PURCHASE, 6),),
        credits=6,
        debt_written_off=4,
        postings=postings.expired(6, 4),
    ),
    *grant_examples.gift_decisions(_link(6), _PURCHASE, AT_MS + _YEAR_MS),
)

EVENTS: Final = (*FACTS, *DECISIONS)

JOBS: Final = (
    GenerateJob(
        account_id=ACCOUNT,
        generation_id=_GENERATION,
        deadline_ms=AT_MS + _TEN_MINUTES_MS,
        request=_REQUESTED,
    ),
    DiscardJob(account_id=ACCOUNT, generation_id=_GENERATION, object_keys=(f"{_OBJECTS}/0.png",)),
)

LIVE: Final = live_examples.of(ACCOUNT, _GENERATION)
