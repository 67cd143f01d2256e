"""How batches fold: into requests that are decided one by one, in their order."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from events.batches import BatchRequested
from events.codec import encode
from events.fold_facts import came_too_late, pending_of
from events.recorded import Recorded
from events.state import Account, Pending, Reservation

Open = dict[str, Pending | Reservation]


def requested(account: Account, recorded: Recorded, event: BatchRequested) -> Account:
    """Leave every request to be decided; a batch of which one is known is a repetition."""
    if came_too_late(recorded, event.occurred_at_ms) or not event.is_sound:
        return account
    for request in event.requests:
        key = request.generation_id
        if key in account.open or account.how_closed(key) is not None:
            return account
    is_behind = any(map(_is_under_way, account.open.values()))
    pending = {
        request.generation_id: replace(
            pending_of(recorded, request, encode(request) if recorded.value else b""),
            batch_id=event.batch_id,
            is_behind=is_behind,
        )
        for request in event.requests
    }
    return replace(account, open={**account.open, **pending})


def _is_under_way(entry: Pending | Reservation) -> bool:
    """Whether it belongs to a batch, and nobody knows yet what becomes of it."""
    if entry.batch_id is None:
        return False
    return isinstance(entry, Pending) or entry.outcome is None


def covered(still_open: Mapping[str, Pending | Reservation], batch_id: str) -> Open:
    """What is open after one generation of a batch took the token for all of them."""
    return {
        key: replace(entry, is_covered=True)
        if isinstance(entry, Pending) and entry.batch_id == batch_id and not entry.is_covered
        else entry
        for key, entry in still_open.items()
    }
