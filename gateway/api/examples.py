"""One example of everything that the contract shows: bodies, answers and problems."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from commands.catalogue import MODELS, PACKS, STYLES
from commands.requests import ImageRequest
from events.envelope import rfc3339
from gateway.access import examples as access_examples
from gateway.account.export import ExportDocument, ExportPart
from gateway.account.me import ErasureDocument, MeChange
from gateway.account.profile import ConsentDocument, MeDocument, Preferences
from gateway.api import documents as shown
from gateway.generations.outcomes import REASONS
from gateway.identity import examples as identities
from gateway.identity.auth import LoginRequest
from gateway.money.purchases import STARS, PurchaseRequest
from gateway.operations.readiness import PartDocument, ReadyDocument
from gateway.operations.routes import HealthDocument
from gateway.web.sentences import SENTENCES
from gateway.webhooks.examples import BY_SHAPE as WEBHOOKS

ACCOUNT: Final = "0b0f1c52-6f0e-4a2b-9b56-2f1f6c1f4c1e"
GENERATION: Final = "5c3f7a1e-2b1d-5e0c-8f55-0d5b6f4a9c21"
IMAGE: Final = "9e2d4b60-7c11-5a3f-9d0e-6b7a8c9d0e1f"
_TOKEN: Final = "eyJhbGciOiJIUzI1NiIsImtpZCI6Ij…"  # noqa: S105  no token, an example of one
_STORE: Final = "https://images.example.org/generations/…/0"
_MS: Final = 1_767_225_600_000


def _at(seconds: float) -> str:
    return rfc3339(_MS + int(seconds * 1000))


_generation = shown.GenerationDocument(
    id=GENERATION,
    status="done",
    kind="image",
    prompt="a lighthouse in the fog",
    style_id="poster",
    size="1024x1024",
    count=1,
    quality="standard",
    seed=1333406204,
    model="preview",
    provider="local",
    images=(
        shown.ImageDocument(
            id=IMAGE,
            url=f"{_STORE}.png?X-Amz-Signature=…",
            preview_url=f"{_STORE}.webp?X-Amz-Signature=…",
            width=1024,
            height=1024,
        ),
    ),
    credits=shown.CreditsOfGeneration(reserved=1, captured=1),
    timings=shown.Timings(
        requested_at=_at(0),
        admitted_at=_at(0.01),
        started_at=_at(0.03),
        finished_at=_at(1.2),
        settled_at=_at(1.21),
        total_ms=1200,
    ),
    created_at=_at(0),
)
_pending = replace(
    _generation,
    status="pending",
    provider=None,
    images=(),
    credits=shown.CreditsOfGeneration(reserved=1),
    queue_position=2,
    eta_seconds=7,
    timings=shown.Timings(requested_at=_at(0)),
)
_cancelled = replace(
    _generation,
    status="cancelled",
    provider=None,
    images=(),
    credits=shown.CreditsOfGeneration(reserved=1, returned=1),
    timings=shown.Timings(requested_at=_at(0), finished_at=_at(0.5), total_ms=500),
)
_grant = shown.GrantDocument(
    id=ACCOUNT,
    why="welcome",
    credits=5,
    available=4,
    granted_at=_at(-60),
    expires_at=None,
    use_order=1,
)
_entry = shown.LedgerEntry(
    sequence=2,
    type="CreditsReserved",
    at=_at(0.01),
    about=GENERATION,
    credits=-1,
    available_after=4,
    detail={"price": 1},
    postings=(("user:available", -1), ("user:reserved", 1)),
    value_hash="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
)
_purchase = shown.PurchaseDocument(
    id=ACCOUNT,
    provider="local",
    pack_id=PACKS[0].id,
    credits=PACKS[0].credits,
    amount=PACKS[0].stars,
    currency=STARS,
    status="paid",
    purchased_at=_at(0),
)

BY_SHAPE: dict[type, Any] = {
    type(one): one
    for one in (
        LoginRequest(init_data="query_id=AAE…&user=%7B%22id%22%3A42…&auth_date=1767225600&hash=…"),
        ImageRequest(prompt="a lighthouse in the fog", style_id="poster", count=1),
        PurchaseRequest(pack_id=PACKS[0].id),
        shown.LoginDocument(
            access_token=_TOKEN,
            token_type="Bearer",  # noqa: S106  the name of a scheme
            expires_in=3600,
            user=shown.UserDocument(
                id=ACCOUNT,
                telegram_id=42,
                first_name="Ada",
                last_name="",
                username="ada",
                language="en",
            ),
            balance=shown.Balance(available=5),
        ),
        shown.Styles(
            items=tuple(
                shown.StyleDocument(id=one.id, name=one.name, description=one.description)
                for one in STYLES[:2]
            )
        ),
        shown.Models(
            items=tuple(
                shown.ModelDocument(
                    id=one.id,
                    name=one.name,
                    provider=one.provider,
                    credits_per_image=one.credits_per_image,
                    sizes=one.sizes,
                    default=True,
                )
                for one in MODELS[:1]
            )
        ),
        shown.Packs(
            items=tuple(
                shown.PackDocument(id=one.id, name=one.name, credits=one.credits, stars=one.stars)
                for one in PACKS[:1]
            )
        ),
        _generation,
        shown.Page(items=(_generation,), next_cursor=None),
        shown.TicketDocument(ticket=_TOKEN, expires_in=60),
        shown.CreditsDocument(available=4, reserved=1, granted=5, grants=(_grant,)),
        shown.LedgerPage(items=(_entry,), next_cursor="Mg"),
        _purchase,
        shown.Purchases(items=(_purchase,)),
        MeDocument(
            id=ACCOUNT,
            telegram_id=42,
            display_name="Ada",
            language="de",
            registered_at=_at(-60),
            roles=("user",),
            preferences=Preferences(language="de", default_style_id=STYLES[1].id),
            consents=(
                ConsentDocument(
                    purpose="terms",
                    current_version="2026-01",
                    required=True,
                    version="2026-01",
                    given_at=_at(-59),
                ),
            ),
        ),
        MeChange(language="de", notifications=False, consents={"terms": "2026-01"}),
        ErasureDocument(id=ACCOUNT, status="erasing", erased_at=_at(0)),
        ExportDocument(
            id=ACCOUNT,
            status="done",
            progress_percent=100,
            parts=(ExportPart(url=f"{_STORE}.zip?X-Amz-Signature=…", size_bytes=1_234_567),),
            requested_at=_at(0),
            ready_at=_at(9),
            expires_at=_at(86_400),
        ),
        HealthDocument(),
        ReadyDocument(
            ready=False,
            parts={
                "log": PartDocument(ready=True, took_ms=2),
                "objects": PartDocument(ready=False, reason="no answer within 3 s", took_ms=3000),
            },
        ),
    )
}
BY_SHAPE |= WEBHOOKS
BY_SHAPE |= identities.BY_SHAPE
BY_SHAPE |= {type(one): one for one in access_examples.SHOWN}
"""By struct; each is one that the program could send or take."""

OF_ANSWER: Final[dict[tuple[str, int], Any]] = {
    ("create_generation", 202): _pending,
    ("cancel_generation", 200): _cancelled,
    ("export_me", 202): ExportDocument(
        id=ACCOUNT, status="processing", progress_percent=40, requested_at=_at(0)
    ),
    ("readyz", 200): ReadyDocument(
        ready=True,
        parts={"log": PartDocument(ready=True, took_ms=2)},
    ),
}
"""By (operation, status), where the answer says something else than its shape's example."""

DETAILS: dict[str, str] = {
    "malformed-json": "The body is not valid JSON in UTF-8. Check it and send it again.",
    "invalid-request": "The field count must be at most 4.",
    "invalid-parameter": "The parameter limit must be a whole number.",
    "invalid-header": "Send the header Authorization only once.",
    "cursor-invalid": "The cursor is not one that this service gave out.",
    "kind-not-available": "Generations of the kind edit are not available yet; `image` is.",
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
    "gone-from-bin": "It was deleted more than 30 days ago and is gone.",
    "payments-not-configured": "This installation cannot take payments yet. Nothing was bought.",
    "overloaded": (
        "More requests are under way than this service takes on. Wait a moment, then try again."
    ),
    "not-caught-up": "What you wrote is safe but not readable yet. Ask again shortly.",
    "too-many-streams": "Too many event streams are open. Close some, or try again later.",
}
DETAILS |= identities.DETAILS
DETAILS |= access_examples.DETAILS
DETAILS |= {code: SENTENCES[reason] for reason, code in REASONS.items() if code not in DETAILS}
"""By code: what a person might be told, where `errors` has no sentence of its own."""

MEMBERS: Final[dict[str, dict[str, Any]]] = {
    "invalid-request": {"errors": [{"field": "count", "reason": "must be at most 4"}]},
    "invalid-parameter": {"errors": [{"field": "limit", "reason": "must be a whole number"}]},
    "insufficient-credits": {
        "generation_id": GENERATION,
        "credits_needed": 8,
        "credits_available": 5,
    },
    "rate-limited": {"generation_id": GENERATION, "retry_after": 9},
    "too-many-requests": {"retry_after": 412},
    "prohibited": {"generation_id": GENERATION},
    "unavailable": {"generation_id": GENERATION},
    "timed-out": {"generation_id": GENERATION, "retry_after": 1},
    "idempotency-key-reused": {"generation_id": GENERATION},
}
"""By code: the members of a problem that are its own."""
