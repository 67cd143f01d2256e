"""From a raw record to an event or a reason why not; the first step of every reader of the log."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from events.codec import UndecodableError, decode
from events.envelope import class_in, header
from events.ids import AccountId, is_uuid
from events.recorded import Recorded, hash_value


class Poison(msgspec.Struct, frozen=True, gc=False):
    """A record that is no event this version can read."""

    reason: str
    account_id: AccountId | None
    """The account to freeze, when the record claims to be a decision or money (design §3)."""


def read(
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]],
    appended_at_ms: int,
) -> Recorded | Poison:
    """Decode one record of the event log.

    A record whose key is not the account that its payload names stands in a foreign order, maybe
    in a foreign partition, so it is poison like one that cannot be decoded.
    """
    if value is None:
        return Poison("the record has no value", None)
    try:
        event = decode(value, class_in(headers))
    except UndecodableError as error:
        return Poison(str(error), _account_in(key) if error.freezes else None)
    if key is None or key != event.account_id.encode():
        return Poison("the record's key is not the account that its payload names", None)
    return Recorded(event, value, hash_value(value), appended_at_ms, header(headers, "traceparent"))


def _account_in(key: bytes | None) -> AccountId | None:
    text = (key or b"").decode(errors="replace")
    return AccountId(text) if is_uuid(text) else None
