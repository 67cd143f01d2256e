"""Payloads to bytes and back: JSON by msgspec, tagged by type and version, upcast on read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast, get_args

import msgspec

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
from events.base import Decision, EventClass, Fact
from events.batches import BatchRequested
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
    ImageDeleted,
    ImageRestored,
    ProviderCallUncertain,
)
from events.gifts import (
    GiftClaimed,
    GiftOffered,
    GiftRefused,
    GiftReturned,
    GiftSent,
    GiftTaken,
    GiftUnclaimed,
)
from events.grants import (
    GoodwillGiven,
    PromotionClosed,
    PromotionOpened,
    PromotionRedeemed,
    ReferralRewarded,
)
from events.moderation import (
    AppealFiled,
    AppealOverturned,
    AppealUpheld,
    ModerationVerdict,
)
from events.preferences import ConsentGiven, ConsentWithdrawn, PreferencesChanged
from events.purchases import CreditsPurchased, PaymentFinding, PurchaseRefunded
from events.sharing import ImageDownloaded, ImageShared, ShareRevoked
from events.telegram import TelegramChatChanged
from events.uploads import UploadCompleted

Event = (
    UserRegistered
    | AccountErased
    | DebtCarried
    | PreferencesChanged
    | ConsentGiven
    | ConsentWithdrawn
    | TelegramChatChanged
    | RoleGranted
    | RoleRevoked
    | AccountBanned
    | AccountUnbanned
    | CustomerAdmitted
    | ApiKeyCreated
    | ApiKeyRevoked
    | RefundOrdered
    | PromotionOpened
    | PromotionClosed
    | PromotionRedeemed
    | ReferralRewarded
    | GoodwillGiven
    | GiftOffered
    | GiftTaken
    | GiftUnclaimed
    | GiftClaimed
    | CreditsPurchased
    | PurchaseRefunded
    | PaymentFinding
    | GenerationRequested
    | BatchRequested
    | GenerationStarted
    | GenerationCompleted
    | GenerationFailed
    | GenerationCancelled
    | ProviderCallUncertain
    | GenerationDeleted
    | GenerationRestored
    | ImageDeleted
    | ImageRestored
    | ModerationVerdict
    | AppealFiled
    | AppealUpheld
    | AppealOverturned
    | ImageShared
    | ImageDownloaded
    | ShareRevoked
    | UploadCompleted
    | GenerationRejected
    | CreditsGranted
    | CreditsReserved
    | CreditsSettled
    | CreditsRevoked
    | CreditsExpired
    | GiftSent
    | GiftRefused
    | GiftReturned
)
"""Every event that the log may hold, in its newest version."""

EVENT_TYPES: Final[dict[str, type[Fact | Decision]]] = {
    kind.__struct_config__.tag: kind for kind in get_args(Event)
}
"""Event types by tag, e.g. `CreditsReserved.v1`."""

UPCASTS: Final[dict[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {}
"""Old tag → what turns its JSON object into that of a newer tag. Empty until a v2 exists."""

_FAMILIES: Final[dict[str, EventClass]] = {
    tag.partition(".")[0]: kind.event_class for tag, kind in EVENT_TYPES.items()
}
_NUL: Final = rb"\u0000"
"""No text column can hold it, and nothing of ours contains it."""

_decoder = msgspec.json.Decoder(Event)
_encoder = msgspec.json.Encoder()


class UndecodableError(ValueError):
    """These bytes are no event that this version knows."""

    def __init__(self, reason: str, event_class: EventClass | None) -> None:
        super().__init__(reason)
        self.event_class = event_class
        """What the record claims to be; None when it does not say."""

    @property
    def freezes(self) -> bool:
        """Whether the account's money can no longer be told without it (design §3)."""
        return self.event_class in {"decision", "money"}


def tag_of(event: Event) -> str:
    """The type and version of an event, e.g. `CreditsReserved.v1`."""
    return str(type(event).__struct_config__.tag)


def class_of(tag: str) -> EventClass | None:
    """What a type is, known by its name even when its version is not; None for a stranger."""
    return _FAMILIES.get(tag.partition(".")[0])


def encode(event: Event) -> bytes:
    """The value bytes of an event."""
    return _encoder.encode(event)


def decode(value: bytes, event_class: EventClass | None = None) -> Event:
    """An event from its value bytes; `event_class` is what its header claims.

    Raises:
        UndecodableError: corrupt, or of a version that this code does not know.
    """
    if b"\\" in value and _NUL in value:  # most values escape nothing, and that is seen sooner
        raise UndecodableError("a text in it contains NUL", event_class)
    try:
        return cast("Event", _decoder.decode(value))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _decode_old(value, event_class, error)


def _decode_old(value: bytes, event_class: EventClass | None, error: Exception) -> Event:
    """Upcast an old version; the slow path, and the only one that knows old tags."""
    try:
        payload = msgspec.json.decode(value, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        payload = {}
    tag = payload.get("type")
    if not isinstance(tag, str):
        raise UndecodableError(str(error), event_class) from error
    claimed = class_of(tag) or event_class
    if tag in EVENT_TYPES or tag not in UPCASTS:
        raise UndecodableError(f"{tag}: {error}", claimed) from error
    try:
        while tag in UPCASTS:
            payload = UPCASTS[tag](payload)
            tag = payload["type"]
        return cast("Event", msgspec.convert(payload, Event))
    except (msgspec.ValidationError, LookupError, TypeError, ValueError) as failure:
        raise UndecodableError(f"{tag}: {failure}", claimed) from failure
