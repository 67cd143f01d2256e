"""What the API answers with: the shapes of design §9. Times are RFC 3339 in UTC."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from events.envelope import rfc3339

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Id = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Status = Annotated[
    str,
    Meta(
        extra_json_schema={
            "enum": ["pending", "processing", "done", "failed", "rejected", "cancelled"]
        }
    ),
]


class ImageDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A finished picture; the addresses are good for a while only."""

    id: Id
    url: str
    preview_url: str
    width: int
    height: int
    deleted_at: Time | None = None


class CreditsOfGeneration(msgspec.Struct, frozen=True, kw_only=True):
    """What a generation did to the balance."""

    reserved: int = 0
    captured: int = 0
    returned: int = 0


class ErrorOfGeneration(msgspec.Struct, frozen=True, kw_only=True):
    """Why there are no pictures."""

    code: str
    detail: str
    retry_after: int | None = None
    """In seconds."""


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """When what happened, by the log's clock."""

    requested_at: Time | None = None
    admitted_at: Time | None = None
    started_at: Time | None = None
    finished_at: Time | None = None
    settled_at: Time | None = None
    total_ms: int | None = None
    """From request to finish."""


class GenerationDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A generation; `pending → processing → done | failed | rejected | cancelled`."""

    id: Id
    status: Status
    kind: str
    prompt: str | None
    negative_prompt: str | None = None
    style_id: str
    size: str
    count: int
    quality: str
    seed: int
    model: str
    provider: str | None = None
    images: tuple[ImageDocument, ...] = ()
    failed_count: int = 0
    credits: CreditsOfGeneration = CreditsOfGeneration()
    error: ErrorOfGeneration | None = None
    queue_position: Annotated[
        int | None,
        Meta(
            description=(
                "How many admitted generations, of all users, are made before this one; 0: it is "
                "next, or being made. Null when it is not known, and when it is finished."
            )
        ),
    ] = None
    eta_seconds: Annotated[
        int | None,
        Meta(
            description=(
                "In how many seconds the pictures are expected, estimated from what the last "
                "generations took and from how many are being made. Null when there is nothing "
                "to go by, when this one takes longer than any did lately, while nothing is "
                "being made, and when it is finished."
            )
        ),
    ] = None
    timings: Timings = Timings()
    created_at: Time | None = None
    deleted_at: Time | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Generations, newest first; `next_cursor` is null on the last page."""

    items: tuple[GenerationDocument, ...]
    next_cursor: str | None


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Whole credits."""

    available: int = 0
    reserved: int = 0
    debt: int = 0


class GrantDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Credits that came in together; the one with the lowest `use_order` is used first."""

    id: Id
    why: str
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
    credits: int
    """Signed effect on what is available."""
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
    stars: int


class PurchaseDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase."""

    id: Id
    provider: str
    pack_id: str
    credits: int
    amount: int
    currency: str
    status: str
    """`paid`, `granted` or `refunded`."""
    purchased_at: Time | None = None
    granted_at: Time | None = None
    refunded_at: Time | None = None


class UserDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed in; shown to that person only."""

    id: Id
    telegram_id: int
    first_name: str
    last_name: str
    username: str
    language: str | None


class LoginDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A session."""

    access_token: str
    token_type: str
    expires_in: int
    """In seconds."""
    user: UserDocument
    balance: Balance


class StyleDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A look."""

    id: str
    name: str
    description: str


class ModelDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An image model that can be asked for."""

    id: str
    name: str
    provider: str
    credits_per_image: dict[str, int]
    """By quality."""
    sizes: tuple[str, ...]
    default: bool


class TicketDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Opens event streams for a while: `?ticket=` on GET /events."""

    ticket: str
    expires_in: int
    """In seconds."""


def at(time_ms: int | None) -> str | None:
    """An instant in milliseconds as RFC 3339, if there is one."""
    return None if time_ms is None else rfc3339(time_ms)


class Styles(msgspec.Struct, frozen=True, kw_only=True):
    """The styles on offer."""

    items: tuple[StyleDocument, ...]


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """The models that are configured."""

    items: tuple[ModelDocument, ...]


class Packs(msgspec.Struct, frozen=True, kw_only=True):
    """The packs on sale."""

    items: tuple[PackDocument, ...]


class Purchases(msgspec.Struct, frozen=True, kw_only=True):
    """The last purchases, newest first."""

    items: tuple[PurchaseDocument, ...]
