"""From a raw record to an event or a reason why not; the first step of every reader of the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from events.admin import ACTS
from events.codec import UndecodableError, class_of, decode
from events.envelope import CLASSES, TYPE_PREFIX, type_header, type_header_of
from events.generations import (
    GenerationDeleted,
    GenerationRestored,
    GenerationStarted,
    ImageDeleted,
    ImageRestored,
    ProviderCallUncertain,
)
from events.grants import PROMOTION_ACTS
from events.ids import AccountId, is_uuid
from events.preferences import ConsentGiven, ConsentWithdrawn, PreferencesChanged
from events.purchases import PaymentFinding
from events.recorded import Recorded, hash_value
from events.telegram import TelegramChatChanged

_HEADER_BYTES_MAX: Final = 64
"""Of `ce_id` and `traceparent`, which the state keeps: a UUID, a W3C trace parent are shorter."""
_REASON_CHARACTERS_MAX: Final = 300
"""Of why a record is poison: the reason may quote the record."""


class _Tagged(msgspec.Struct):
    """The type that stored bytes name, whatever they were upcast to."""

    type: str


class Poison(msgspec.Struct, frozen=True, gc=False):
    """A record that is no event this version can read."""

    reason: str
    account_id: AccountId | None
    """The account to freeze, when the record claims to be a decision or money (design §3)."""


_WITHOUT_EFFECT: Final = frozenset(
    type_header_of(kind)[1]
    for kind in (
        GenerationStarted,
        ProviderCallUncertain,
        GenerationDeleted,
        GenerationRestored,
        ImageDeleted,
        ImageRestored,
        PreferencesChanged,
        ConsentGiven,
        ConsentWithdrawn,
        TelegramChatChanged,
        PaymentFinding,
        *ACTS,
        *PROMOTION_ACTS,
    )
)


def ignorable(headers: Sequence[tuple[str, bytes]]) -> bool:
    """Whether the fold takes no notice of the record, whatever its payload is.

    Safe to believe without decoding: a record whose `ce_type` lies is poison and has no effect.
    """
    for name, content in headers:
        if name == "ce_type":
            return content in _WITHOUT_EFFECT
    return False


def read(
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]],
    appended_at_ms: int,
    *,
    keep_value: bool = True,
) -> Recorded | Poison:
    """Decode one record of the event log.

    `keep_value`: whether the stored bytes stay with the event. The fold puts those of a request
    into the state, for its job; who makes no jobs has no use for them there.

    A record whose key is not the account that its payload names stands in a foreign order, maybe
    in a foreign partition; one whose `ce_type` is not the type of its payload would mean different
    things to readers that look at one or the other. Both are poison, like what cannot be decoded.
    """
    kind = event_class = event_id = traceparent = None
    for name, content in headers:
        if name == "ce_type":
            kind = kind or content  # as everywhere: the first of a name is the one that counts
        elif name == "ce_id":
            event_id = event_id or content
        elif name == "ce_class":
            event_class = event_class or content
        elif name == "traceparent":
            traceparent = traceparent or content
    if value is None:
        return Poison("the record has no value", None)
    try:
        event = decode(value, CLASSES.get(event_class or b""))
    except UndecodableError as error:
        freezes = error.freezes or _names_money(kind)
        reason = str(error)[:_REASON_CHARACTERS_MAX]
        return Poison(reason, _account_in(key) if freezes else None)
    if kind != type_header(event)[1] and kind != _stored_type(value):
        return Poison("the record's ce_type is not the type of its payload", None)
    if key != event.account_id.encode():
        return Poison("the record's key is not the account that its payload names", None)
    return Recorded(
        event,
        value if keep_value else b"",
        hash_value(value),
        appended_at_ms,
        _short_text(event_id),
        _short_text(traceparent),
    )


def _names_money(kind: bytes | None) -> bool:
    """Whether a `ce_type` is that of a decision or of money, whatever `ce_class` says."""
    tag = (kind or b"").decode(errors="replace").removeprefix(TYPE_PREFIX)
    return class_of(tag) in {"decision", "money"}


def _stored_type(value: bytes) -> bytes:
    return (TYPE_PREFIX + msgspec.json.decode(value, type=_Tagged).type).encode()


def _short_text(content: bytes | None) -> str | None:
    if content is None or len(content) > _HEADER_BYTES_MAX:
        return None
    return content.decode("ascii", errors="replace")


def _account_in(key: bytes | None) -> AccountId | None:
    text = (key or b"").decode(errors="replace")
    return AccountId(text) if is_uuid(text) else None
