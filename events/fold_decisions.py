"""How counted decisions fold. Called only after `chain.judge` let them through.

Nothing here looks at the append time of the decision itself: so a decider may fold its own
decision before the broker has stamped it, and gets the very state that every reader gets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from immutables import Map
from msgspec.structs import replace

from events.base import Decision, Draw
from events.credits import (
    CreditsExpired,
    CreditsGranted,
    CreditsReserved,
    CreditsRevoked,
    CreditsSettled,
)
from events.fold_batches import covered
from events.generations import GenerationRejected
from events.jobs import API, FREE, PAID
from events.recorded import Recorded
from events.state import Account, Cause, Grant, Pending, Refund, Reservation

REMEMBER_MS: Final = 24 * 60 * 60 * 1000
"""How long, at least, a closed generation's id is remembered; at most twice that."""

_NO_KEYS: Final[Map[str, str]] = Map()


def _tier(account: Account, pending: Pending, event: CreditsReserved) -> str:
    """How its job shares the workers: by who asks, and whether bought credits pay for it."""
    if pending.via_api:
        return API
    for draw in event.draws:
        for grant in account.grants:
            if grant.grant_id == draw.grant_id and not grant.promotional:
                return PAID
    return FREE


def reserved(account: Account, recorded: Recorded, event: CreditsReserved) -> Account:
    """Admit: the draws leave their grants and stand in the reservation."""
    pending = account.open[event.generation_id]
    assert type(pending) is Pending
    entry = Reservation(
        Cause(recorded.value_hash, event.decided_at_ms, recorded.event_id),
        event.credits,
        event.price,
        event.draws,
        event.deadline_ms,
        None,
        pending.request,
        pending.traceparent,
        bool(account.allowed) and pending.body_mac in account.allowed,
        pending.batch_id,
        _tier(account, pending, event),
    )
    still_open = {**account.open, event.generation_id: entry}
    if pending.batch_id is not None:
        still_open = covered(still_open, pending.batch_id)
    return link(
        account,
        recorded,
        event,
        grants=taken(account.grants, event.draws),
        open=still_open,
        bucket_tokens_ms=event.bucket_tokens_ms,
        bucket_at_ms=max(account.bucket_at_ms, event.decided_at_ms),
    )


def rejected(account: Account, recorded: Recorded, event: GenerationRejected) -> Account:
    """Close the request; nothing moves."""
    return link(
        account, recorded, event, **_closing(account, event.generation_id, "rejected", event)
    )


def settled(account: Account, recorded: Recorded, event: CreditsSettled) -> Account:
    """Close the reservation: capture, pay debt, expire, return."""
    changes = _closing(account, event.generation_id, event.outcome, event)
    grants = given_back(account.grants, event.returns)
    return link(
        account,
        recorded,
        event,
        grants=still_needed(grants, account, changes["open"]),
        debt=account.debt - event.debt_paid,
        spent=account.spent + event.captured,
        expired=account.expired + event.expired,
        **changes,
    )


def granted(account: Account, recorded: Recorded, event: CreditsGranted) -> Account:
    """Add a grant in its place in the order of use; a debt is paid first."""
    source = account.sources[event.source_id]
    left = event.credits - event.debt_paid
    grants = account.grants
    if left > 0:
        grant = Grant(
            event.source_id,
            event.why != "purchase",
            left,
            event.expires_at_ms,
            event.sequence,
            recorded.value_hash,
        )
        grants = tuple(sorted((*grants, grant), key=_use_order))
    return link(
        account,
        recorded,
        event,
        grants=grants,
        sources={**account.sources, event.source_id: replace(source, cause=None)},
        due_sources=account.due_sources if source.refund else _without(account, event.source_id),
        debt=account.debt - event.debt_paid,
        granted=account.granted + event.credits,
    )


def revoked(account: Account, recorded: Recorded, event: CreditsRevoked) -> Account:
    """Take back what is there; the rest becomes a debt."""
    source = account.sources[event.source_id]
    assert isinstance(source.refund, Refund)
    known = replace(source, refund=replace(source.refund, revoked=True))
    return link(
        account,
        recorded,
        event,
        grants=still_needed(taken(account.grants, event.draws), account),
        sources={**account.sources, event.source_id: known},
        due_sources=_without(account, event.source_id),
        debt=account.debt + event.debt_added,
        granted=account.granted - event.credits,
    )


def expired(account: Account, recorded: Recorded, event: CreditsExpired) -> Account:
    """End credits unused, and with an erased account its debt."""
    return link(
        account,
        recorded,
        event,
        grants=still_needed(taken(account.grants, event.draws), account),
        debt=account.debt - event.debt_written_off,
        expired=account.expired + event.credits,
        written_off=account.written_off + event.debt_written_off,
    )


def link(account: Account, recorded: Recorded, event: Decision, **changes: Any) -> Account:
    """Continue the account's chain with a decision that counts."""
    return replace(account, head=recorded.value_hash, sequence=event.sequence, **changes)


def _without(account: Account, source_id: str) -> tuple[str, ...]:
    return tuple(due for due in account.due_sources if due != source_id)


def _closing(account: Account, generation_id: str, how: str, event: Decision) -> dict[str, Any]:
    """Drop from `open` and remember the key; once a day the older half is forgotten."""
    still_open = {key: entry for key, entry in account.open.items() if key != generation_id}
    if event.decided_at_ms - account.closed_since_ms >= REMEMBER_MS:
        return {
            "open": still_open,
            "closed": _NO_KEYS.set(generation_id, how),
            "closed_earlier": account.closed,
            "closed_since_ms": event.decided_at_ms,
        }
    return {"open": still_open, "closed": account.closed.set(generation_id, how)}


def _use_order(grant: Grant) -> tuple[float, bool, int]:
    expires = float("inf") if grant.expires_at_ms is None else grant.expires_at_ms
    return (expires, not grant.promotional, grant.sequence)


def taken(grants: tuple[Grant, ...], draws: Sequence[Draw]) -> tuple[Grant, ...]:
    """The grants without what was drawn on them."""
    if len(grants) == len(draws) == 1 and grants[0].grant_id == draws[0].grant_id:
        return (replace(grants[0], available=grants[0].available - draws[0].credits),)
    return _added(grants, {draw.grant_id: -draw.credits for draw in draws})


def given_back(grants: tuple[Grant, ...], returns: Iterable[Draw]) -> tuple[Grant, ...]:
    """The grants with what returns to them."""
    return _added(grants, {draw.grant_id: draw.credits for draw in returns})


def _added(grants: tuple[Grant, ...], by_id: Mapping[str, int]) -> tuple[Grant, ...]:
    if not by_id:
        return grants
    # A list first: a tuple of a generator takes twice the time, and every admission comes here.
    return tuple(
        [
            replace(grant, available=grant.available + by_id[grant.grant_id])
            if grant.grant_id in by_id
            else grant
            for grant in grants
        ]
    )


def still_needed(
    grants: tuple[Grant, ...],
    account: Account,
    still_open: Mapping[str, Pending | Reservation] | None = None,
) -> tuple[Grant, ...]:
    """Forget grants that are used up and that no reservation and no gift can return to."""
    if all(grant.available for grant in grants):
        return grants
    drawn_on = {
        draw.grant_id
        for entry in (account.open if still_open is None else still_open).values()
        if isinstance(entry, Reservation)
        for draw in entry.draws
    }
    drawn_on |= {draw.grant_id for gift in account.gifts.values() for draw in gift.draws}
    return tuple(grant for grant in grants if grant.available or grant.grant_id in drawn_on)
