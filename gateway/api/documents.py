"""What the API answers with: the shapes of design §9. Times are RFC 3339 in UTC."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from events.envelope import rfc3339


def says(description: str) -> Meta:
    """What the contract says of a field."""
    return Meta(description=description)


Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Safety = Literal["checked", "unchecked"]
Id = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Status = Annotated[
    str,
    Meta(
        extra_json_schema={
            "enum": ["pending", "processing", "done", "failed", "rejected", "cancelled"]
        }
    ),
]


class PreviewDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A smaller copy of a picture; the address is good for a while only."""

    url: str
    content_type: Annotated[str, says("`image/webp` or `image/avif`.")]
    width: int
    height: int


class ImageDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A finished picture; the addresses are good for a while only."""

    id: Id
    url: str
    preview_url: Annotated[str, says("A WebP with no side longer than 512 pixels.")]
    previews: Annotated[
        tuple[PreviewDocument, ...],
        says(
            "Others: 512 pixels as AVIF, 1024 as WebP and AVIF; none of a picture that was made "
            "while many were."
        ),
    ] = ()
    blurhash: Annotated[
        str | None, says("What to show until it is there (https://blurha.sh); null of old ones.")
    ] = None
    near_hash: Annotated[
        str | None,
        says("64 bits in hex; pictures that look alike differ in few of them. Null of old ones."),
    ] = None
    width: int
    height: int
    deleted_at: Time | None = None


class CreditsOfGeneration(msgspec.Struct, frozen=True, kw_only=True):
    """What a generation did to the balance."""

    reserved: Annotated[int, says("Set aside when it was admitted.")] = 0
    captured: Annotated[int, says("Spent, for pictures that were made.")] = 0
    returned: Annotated[int, says("Given back.")] = 0


class ErrorOfGeneration(msgspec.Struct, frozen=True, kw_only=True):
    """Why there are no pictures."""

    code: str
    detail: str
    reason: Annotated[str | None, says("Of `prohibited`: `minors`, `sexual`, `hate`, …")] = None
    retry_after: Annotated[int | None, says("In seconds.")] = None


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """When what happened, by the log's clock."""

    requested_at: Time | None = None
    admitted_at: Time | None = None
    started_at: Time | None = None
    finished_at: Time | None = None
    settled_at: Time | None = None
    total_ms: Annotated[int | None, says("From request to finish.")] = None


class GenerationDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A generation; `pending → processing → done | failed | rejected | cancelled`."""

    id: Id
    status: Status
    kind: Annotated[
        str,
        says("`image`: from words. `edit`: a photo, changed. `variation`: like another picture."),
    ]
    prompt: Annotated[
        str | None,
        says("Null when it cannot be opened any more; empty for a variation without words."),
    ]
    upload_ids: Annotated[
        tuple[Id, ...], says("The photos that an `edit` began with; they are kept for a while.")
    ] = ()
    mask_upload_id: Annotated[Id | None, says("Where it might change.")] = None
    parent_image_id: Annotated[Id | None, says("The picture that a `variation` is like.")] = None
    batch_id: Annotated[Id | None, says("The batch that it was asked for in; null: none.")] = None
    negative_prompt: Annotated[str | None, says("What was to be left out.")] = None
    style_id: str
    size: Annotated[str, says("WIDTHxHEIGHT in pixels.")]
    count: Annotated[int, says("How many pictures were asked for.")]
    quality: str
    seed: Annotated[int, says("The same seed and words, the same picture, where a model can.")]
    model: str
    provider: Annotated[str | None, says("Who made it; null until somebody begins.")] = None
    images: Annotated[tuple[ImageDocument, ...], says("Those that are not in the bin.")] = ()
    failed_count: Annotated[int, says("How many of them could not be made.")] = 0
    safety: Annotated[Safety | None, says("Whether somebody looked.")] = None
    credits: CreditsOfGeneration = CreditsOfGeneration()
    error: Annotated[ErrorOfGeneration | None, says("Why there are no pictures.")] = None
    queue_position: Annotated[
        int | None,
        says(
            "How many admitted generations, of all users, are made before this one; 0: it is "
            "next, or being made. Null when it is not known, and when it is finished."
        ),
    ] = None
    eta_seconds: Annotated[
        int | None,
        says(
            "In how many seconds the pictures are expected, by what the last ones took and how "
            "many are being made. Null where nothing tells, and when it is finished."
        ),
    ] = None
    eta_interval_seconds: Annotated[tuple[int, int] | None, says("In nine cases of ten.")] = None
    timings: Timings = Timings()
    created_at: Time | None = None
    deleted_at: Annotated[Time | None, says("Since when it is in the bin.")] = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Generations, newest first; `next_cursor` is null on the last page."""

    items: tuple[GenerationDocument, ...]
    next_cursor: str | None


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Whole credits."""

    available: Annotated[int, says("Can be spent.")] = 0
    reserved: Annotated[int, says("Set aside for generations under way.")] = 0
    debt: Annotated[int, says("Paid by the next credits that come in.")] = 0


class GrantDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Credits that came in together; the one with the lowest `use_order` is used first."""

    id: Id
    why: Annotated[
        str,
        says("`purchase`, `welcome`, `promotion`, `referral`, `gift`, `goodwill`; more may come."),
    ]
    promotional: Annotated[bool, says("Whether nobody paid for them.")]
    credits: int
    available: int
    granted_at: Time | None
    expires_at: Time | None
    use_order: int


class CreditsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The balance, what it is made of, and what ever came of all credits."""

    available: int = 0
    reserved: int = 0
    debt: int = 0
    granted: int = 0
    spent: int = 0
    expired: int = 0
    grants: tuple[GrantDocument, ...] = ()


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One decision on credits, with its place in the account's hash chain."""

    sequence: int
    type: str
    at: Time | None
    about: str
    credits: Annotated[int, says("Signed effect on what is available.")]
    available_after: int
    detail: dict[str, Any]
    postings: tuple[Any, ...]
    value_hash: str


class LedgerPage(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger, newest first."""

    items: tuple[LedgerEntry, ...]
    next_cursor: str | None


class PackDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Credits at a price."""

    id: str
    name: str
    credits: int
    stars: Annotated[int, says("The price in Telegram Stars.")]
    period_days: Annotated[
        int | None,
        says("Paid and granted anew after so many days, when what is left ends; null: once."),
    ] = None


class PurchaseDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase, or the offer of one."""

    id: Annotated[Id | None, says("Null before it is paid.")] = None
    offer_id: Annotated[Id | None, says("What it was offered as; null: it was not.")] = None
    provider: str
    pack_id: str
    credits: int
    amount: int
    currency: str
    status: Annotated[str, says("`awaiting_payment`, `paid`, `granted` or `refunded`.")]
    purchased_at: Time | None = None
    granted_at: Time | None = None
    refunded_at: Time | None = None
    payment_url: Annotated[str | None, says("Where to pay, before it is paid.")] = None
    expires_at: Annotated[
        Time | None, says("When nobody can pay there any more; null: not by itself.")
    ] = None


class UserDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed in; shown to that person only."""

    id: Id
    telegram_id: Annotated[int | None, says("Null: they came from elsewhere.")]
    first_name: str
    last_name: str
    username: str
    language: str | None


class LoginDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A session."""

    access_token: str
    token_type: str
    expires_in: Annotated[int, says("In seconds.")]
    user: UserDocument
    balance: Balance


class StyleDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A look."""

    id: str
    name: str
    description: str
    model: Annotated[
        str | None,
        says(
            "What makes it best; where a request names no model, it is taken if it can. Null: any."
        ),
    ]


def at(time_ms: int | None) -> str | None:
    """An instant in milliseconds as RFC 3339, if there is one."""
    return None if time_ms is None else rfc3339(time_ms)


class Styles(msgspec.Struct, frozen=True, kw_only=True):
    """The styles on offer."""

    items: tuple[StyleDocument, ...]


class Packs(msgspec.Struct, frozen=True, kw_only=True):
    """The packs on sale."""

    items: tuple[PackDocument, ...]


class Purchases(msgspec.Struct, frozen=True, kw_only=True):
    """The last purchases, newest first."""

    items: tuple[PurchaseDocument, ...]
