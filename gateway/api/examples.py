"""One example of everything that the contract shows: bodies, answers and problems."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from commands.catalogue import MODELS, PACKS, STYLES
from commands.requests import EditRequest, ImageRequest, VariationRequest
from events.envelope import rfc3339
from events.ids import ImageId
from gateway.access import examples as access_examples
from gateway.account.export import ExportDocument, ExportPart
from gateway.account.me import ErasureDocument, MeChange
from gateway.account.profile import ConsentDocument, MeDocument, Preferences, TelegramDocument
from gateway.api import documents as shown
from gateway.api.model_documents import ModelDocument, Models
from gateway.api.problem_examples import GENERATION
from gateway.batches.examples import BY_SHAPE as BATCHES
from gateway.generations.downloads import DownloadDocument
from gateway.grants import examples as grants
from gateway.identity import examples as identities
from gateway.identity.auth import LoginRequest
from gateway.live.documents import TicketDocument
from gateway.moderation.examples import BY_SHAPE as MODERATION
from gateway.money.admin_spending import EXAMPLE as SPENDING
from gateway.money.purchases import XTR, PurchaseRequest
from gateway.money.stripe_news import Data, StripeEvent, Thing
from gateway.operations.readiness import PartDocument, ReadyDocument
from gateway.operations.routes import HealthDocument
from gateway.providers.genuine import PredictionNews, RequestNews
from gateway.sharing.examples import BY_SHAPE as SHARING
from gateway.telegram.messages import Chat
from gateway.telegram.updates import ChatMember, ChatMemberUpdated, Update
from gateway.uploads.examples import BY_SHAPE as UPLOADS
from gateway.uploads.examples import UPLOAD
from gateway.webhooks.examples import BY_SHAPE as WEBHOOKS

ACCOUNT: Final = "0b0f1c52-6f0e-4a2b-9b56-2f1f6c1f4c1e"
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
    safety="checked",
    images=(
        shown.ImageDocument(
            id=IMAGE,
            url=f"{_STORE}.png?X-Amz-Signature=…",
            preview_url=f"{_STORE}.webp?X-Amz-Signature=…",
            previews=(
                shown.PreviewDocument(
                    url=f"{_STORE}.1024.avif?X-Amz-Signature=…",
                    content_type="image/avif",
                    width=1024,
                    height=1024,
                ),
            ),
            blurhash="LTC*XgNaD%%L?^R*IUxuDjWBbHoL",
            near_hash="0f0f4f7fe7a3a21e",
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
    eta_interval_seconds=(4, 12),
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
    promotional=True,
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
    currency=XTR,
    status="paid",
    purchased_at=_at(0),
)

BY_SHAPE: dict[type, Any] = {
    type(one): one
    for one in (
        LoginRequest(init_data="query_id=AAE…&user=%7B%22id%22%3A42…&auth_date=1767225600&hash=…"),
        ImageRequest(prompt="a lighthouse in the fog", style_id="poster", count=1),
        EditRequest(prompt="make it snow", upload_ids=(UPLOAD,)),
        VariationRequest(parent_image_id=ImageId(IMAGE), prompt="at night"),
        PurchaseRequest(pack_id=PACKS[0].id),
        DownloadDocument(
            url=f"{_STORE}.png?response-content-disposition=attachment…&X-Amz-Signature=…",
            file_name="pixelpop-9e2d4b60.png",
            expires_in=86_400,
        ),
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
                shown.StyleDocument(
                    id=one.id, name=one.name, description=one.description, model=one.model
                )
                for one in STYLES[:2]
            )
        ),
        Models(
            items=tuple(
                ModelDocument(
                    id=one.id,
                    name=one.name,
                    provider=one.providers[0].provider,
                    credits_per_image=one.credits_per_image,
                    qualities=one.qualities,
                    capabilities=one.capabilities,
                    credits_by_kind={kind: one.credits_for(kind) for kind in one.capabilities},
                    photos_max=one.photos_max,
                    masks=one.masks,
                    from_photos_max=one.from_photos_max,
                    sizes=one.sizes,
                    median_seconds=8.4,
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
        TicketDocument(ticket=_TOKEN, expires_in=60),
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
            telegram=TelegramDocument(reachable=True, changed_at=_at(-60)),
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
        Update(
            update_id=123_456_789,
            my_chat_member=ChatMemberUpdated(
                chat=Chat(id=42, type="private"),
                date=_MS // 1000,
                new_chat_member=ChatMember(status="kicked"),
            ),
        ),
        PredictionNews(id="5q3t1yz2s9rma0c8v7w6e4k1hx"),
        RequestNews(request_id="024ca5b1-45d3-4afd-883e-ad3abe2a1c4d"),
        StripeEvent(
            id="evt_1SQx7nLkdIwHu7ix",
            type="checkout.session.completed",
            data=Data(object=Thing(payment_intent="pi_3SQx7mLkdIwHu7ix0")),
        ),
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
BY_SHAPE |= BATCHES
BY_SHAPE |= SHARING
BY_SHAPE |= UPLOADS
BY_SHAPE |= MODERATION
BY_SHAPE |= identities.BY_SHAPE
BY_SHAPE |= {type(one): one for one in (*access_examples.SHOWN, *grants.SHOWN, SPENDING)}
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
