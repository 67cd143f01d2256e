"""From a raw record to an event or a reason why not; the first step of every reader of the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from events.codec import UPCASTS, UndecodableError, decode
from events.envelope import CLASSES, TYPE_PREFIX, type_header, type_header_of
from events.generations import (
    GenerationDeleted,
    GenerationRestored,
    GenerationStarted,
    ImageDeleted,
    ImageRestored,
    ProviderCallUncertain,
)
from events.ids import AccountId, is_uuid
from events.recorded import Recorded, hash_value

_OLD_TYPES: Final = frozenset((TYPE_PREFIX + tag).encode() for tag in UPCASTS)


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
) -> Recorded | Poison:
    """Decode one record of the event log.

    A record whose key is not the account that its payload names stands in a foreign order, maybe
    in a foreign partition; one whose `ce_type` is not the type of its payload would mean different
    things to readers that look at one or the other. Both are poison, like what cannot be decoded.
    """
    kind = event_class = event_id = traceparent = None
    for name, content in headers:
        if name == "ce_type":
            kind = content
        elif name == "ce_id":
            event_id = content
        elif name == "ce_class":
            event_class = content
        elif name == "traceparent":
            traceparent = content
    if value is None:
        return Poison("the record has no value", None)
    try:
        event = decode(value, CLASSES.get(event_class or b""))
    except UndecodableError as error:
        return Poison(str(error), _account_in(key) if error.freezes else None)
    if kind != type_header(event)[1] and kind not in _OLD_TYPES:
        return Poison("the record's ce_type is not the type of its payload", None)
    if key != event.account_id.encode():
        return Poison("the record's key is not the account that its payload names", None)
    return Recorded(
        event,
        value,
        hash_value(value),
        appended_at_ms,
        None if event_id is None else event_id.decode("ascii", errors="replace"),
        None if traceparent is None else traceparent.decode("ascii", errors="replace"),
    )


def _account_in(key: bytes | None) -> AccountId | None:
    text = (key or b"").decode(errors="replace")
    return AccountId(text) if is_uuid(text) else None
