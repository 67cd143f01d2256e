"""What the API takes and answers about webhooks."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from events.outward import TYPES
from gateway.api.documents import Id, Time, says
from gateway.web.paging import PAGE_MAX

URL_CHARS_MAX: Final = 2000
TYPES_MAX: Final = 50

Url = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=URL_CHARS_MAX,
        description="Public, https, port 443 or one from 1024 on.",
    ),
]
Description = Annotated[str, Meta(max_length=200, description="For you; shown to nobody else.")]
EventType = Annotated[
    str, Meta(max_length=100, extra_json_schema={"enum": sorted(TYPES)}, description="A type.")
]
EventTypes = Annotated[
    tuple[EventType, ...],
    Meta(max_length=TYPES_MAX, description="Which types are sent; empty: all of them."),
]


class WebhookRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to send what."""

    url: Url
    event_types: EventTypes = ()
    description: Description = ""


class WebhookChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change; what is left out stays."""

    url: Url | UnsetType = UNSET
    event_types: EventTypes | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    enabled: Annotated[bool, says("Switched off, nothing is planned or sent.")] | UnsetType = UNSET


class WebhookDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint that is told what happens to your account."""

    id: Id
    url: str
    event_types: tuple[str, ...]
    description: str
    enabled: bool
    disabled_reason: Annotated[
        str | None,
        says("`owner`: you switched it off; `gone`: it answered 410."),
    ]
    created_at: Time
    old_secret_until: Annotated[
        Time | None, says("Until when the secret before a rotation signs too.")
    ] = None


class NewWebhookDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A new endpoint, with its secret."""

    webhook: WebhookDocument
    secret: Annotated[str, says("`whsec_…`: checks signatures. Shown once, here.")]


class SecretDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A new secret."""

    secret: Annotated[str, says("`whsec_…`. Shown once, here.")]
    old_secret_until: Annotated[Time | None, says("Until then the one before signs too.")]


class Webhooks(msgspec.Struct, frozen=True, kw_only=True):
    """Your endpoints, oldest first."""

    items: tuple[WebhookDocument, ...]


class AttemptDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to deliver."""

    attempt: int
    started_at: Time
    ended_at: Annotated[
        Time | None, says("Null: under way, or lost, and it may have been received.")
    ]
    outcome: Annotated[
        str | None,
        says(
            "`delivered`, `refused` (any answer but 2xx; redirects are not followed), `timed-out`, "
            "`no-connection`, `broken-off`, `address-refused` (not public) or `secret-lost`."
        ),
    ]
    status: Annotated[int | None, says("Of the answer, if there was one.")]


class DeliveryDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one endpoint."""

    id: Annotated[Id, says("Sent as `webhook-id`, the same at every attempt.")]
    event_type: str
    status: Annotated[
        str,
        Meta(extra_json_schema={"enum": ["pending", "delivered", "failed"]}),
    ]
    attempts: Annotated[int, says("How many were begun.")]
    next_attempt_at: Annotated[Time | None, says("Of what is pending, unless one is under way.")]
    created_at: Time
    ended_at: Time | None


class DeliveryDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery with what is sent and how each attempt ended."""

    delivery: DeliveryDocument
    payload: Annotated[dict[str, Any], says("The body.")]
    attempts: tuple[AttemptDocument, ...]


class Deliveries(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries, newest first; `next_cursor` is null on the last page."""

    items: tuple[DeliveryDocument, ...]
    next_cursor: str | None


class DeliveriesQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which deliveries."""

    status: Annotated[str, Meta(pattern="^(pending|delivered|failed)$")] | None = None
    cursor: Annotated[str, Meta(max_length=512)] | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 50


class SentAgain(msgspec.Struct, frozen=True, kw_only=True):
    """How many deliveries will be sent again."""

    deliveries: int
