"""How facts fold: requests, results, purchases, refunds, sign-in and erasure.

A fact never moves a credit. It only leaves something to decide; repeated, it leaves nothing more.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from events.accounts import AccountErased, DebtCarried, UserRegistered
from events.generations import (
    GenerationCancelled,
    GenerationCompleted,
    GenerationFailed,
    GenerationRequested,
)
from events.grants import Award
from events.ids import welcome_source
from events.moderation import AppealOverturned
from events.purchases import CreditsPurchased, PurchaseRefunded
from events.recorded import Recorded
from events.state import Account, Cause, Outcome, Pending, Refund, Reservation, Source

REQUEST_WINDOW_MS: Final = 60 * 60 * 1000
"""A request counts only if its own time is this near its append time: beyond it, it is a late
retry of somebody who was told long ago that its outcome is unknown."""

ALLOWED_MAX: Final = 100
"""Requests of one account that appeals allowed and that are remembered."""

CARRIED_WHY: Final = "carried_debt"
"""Why credits are revoked that an erased account of the same person owed."""
CARRIED_ORIGIN: Final = "erasure"


def cause_of(recorded: Recorded) -> Cause:
    """A fact as what a decision follows from."""
    return Cause(recorded.value_hash, recorded.appended_at_ms, recorded.event_id)


def requested(account: Account, recorded: Recorded, event: GenerationRequested) -> Account:
    """Leave the request to be decided, unless its key is known or it comes too late."""
    key = event.generation_id
    if key in account.open or account.how_closed(key) is not None:
        return account
    if came_too_late(recorded, event.occurred_at_ms):
        return account
    pending = pending_of(recorded, event, recorded.value)
    return replace(account, open={**account.open, key: pending})


def came_too_late(recorded: Recorded, occurred_at_ms: int) -> bool:
    """Whether a request is a late retry that nobody waits for any more."""
    return abs(occurred_at_ms - recorded.appended_at_ms) > REQUEST_WINDOW_MS


def pending_of(recorded: Recorded, event: GenerationRequested, value: bytes) -> Pending:
    """A request as what is to be decided; `value` are its own bytes, for the job."""
    return Pending(
        cause_of(recorded),
        event.count,
        event.model,
        event.quality,
        None if event.prohibited is None else event.prohibited.rule_id,
        value,
        recorded.traceparent,
        event.body_mac,
        event.kind,
        via_api=event.via_api,
        is_over_budget=event.over_budget,
    )


def completed(account: Account, recorded: Recorded, event: GenerationCompleted) -> Account:
    """Fix the settlement: what is delivered is paid, each picture once."""
    delivered = len({image.image_id for image in event.images})
    kind = "completed" if delivered else "failed"
    return _result(account, recorded, event.generation_id, kind, delivered)


def failed(account: Account, recorded: Recorded, event: GenerationFailed) -> Account:
    """Fix the settlement: everything returns."""
    return _result(account, recorded, event.generation_id, "failed", 0)


def cancelled(account: Account, recorded: Recorded, event: GenerationCancelled) -> Account:
    """Fix the settlement: everything returns.

    Before the request is admitted this has no effect; the job will find the claim cancelled and
    append the same fact again (design §2, 5).
    """
    return _result(account, recorded, event.generation_id, "cancelled", 0)


def _result(
    account: Account, recorded: Recorded, generation_id: str, kind: str, delivered: int
) -> Account:
    entry = account.open.get(generation_id)
    if type(entry) is not Reservation or entry.outcome is not None:
        return account
    cause = cause_of(recorded)
    settled = replace(entry, outcome=Outcome(cause, kind, delivered))
    return replace(account, open={**account.open, generation_id: settled})


def registered(account: Account, recorded: Recorded, event: UserRegistered) -> Account:
    """Remember the sign-up, and the welcome grant if this person is owed one."""
    if account.registered:
        return account
    if event.welcome_credits <= 0:
        return replace(account, registered=True)
    source = Source(
        "welcome",
        "welcome",
        event.welcome_credits,
        event.welcome_expires_at_ms,
        cause_of(recorded),
    )
    return with_source(replace(account, registered=True), welcome_source(event.account_id), source)


def purchased(account: Account, recorded: Recorded, event: CreditsPurchased) -> Account:
    """Leave the grant to be decided; a refund that came first now stops waiting."""
    known = account.sources.get(event.purchase_id)
    if (known is not None and known.seen) or event.credits <= 0:
        return account
    source = Source(
        "purchase",
        event.provider,
        event.credits,
        event.expires_at_ms,
        cause_of(recorded),
        None if known is None else known.refund,
    )
    return with_source(account, event.purchase_id, source)


def awarded(account: Account, recorded: Recorded, event: Award) -> Account:
    """Leave the grant to be decided; what entitled to it before entitles to nothing more."""
    known = account.sources.get(event.source_id)
    if (known is not None and known.seen) or event.credits <= 0:
        return account
    source = Source(
        event.why,
        event.why,
        event.credits,
        event.expires_at_ms,
        cause_of(recorded),
        None if known is None else known.refund,
    )
    return with_source(account, event.source_id, source)


def refunded(account: Account, recorded: Recorded, event: PurchaseRefunded) -> Account:
    """Leave the revocation to be decided, now or when the purchase is seen."""
    known = account.sources.get(event.purchase_id) or Source("", "", 0, None, None)
    if known.refund is not None:
        return account
    cause = cause_of(recorded)
    source = replace(known, refund=Refund(cause, event.refund_id, event.reason, revoked=False))
    return with_source(account, event.purchase_id, source)


def carried(account: Account, recorded: Recorded, event: DebtCarried) -> Account:
    """Leave the debt to be decided: like a refund of credits that were used up long ago."""
    if event.source_id in account.sources or event.credits <= 0:
        return account
    refund = Refund(cause_of(recorded), event.source_id, CARRIED_WHY, revoked=False)
    source = Source(CARRIED_WHY, CARRIED_ORIGIN, event.credits, None, None, refund)
    return with_source(account, event.source_id, source)


def with_source(account: Account, key: str, source: Source) -> Account:
    """Keep the source, and list it as due if there is something to decide about it."""
    due = account.due_sources
    if source.seen and key not in due:
        due = (*due, key)
    return replace(account, sources={**account.sources, key: source}, due_sources=due)


def allowed(account: Account, recorded: Recorded, event: AppealOverturned) -> Account:  # noqa: ARG001  as every fold of a fact
    """Let the same request be asked again; of many, the newest are remembered."""
    if event.body_mac in account.allowed:
        return account
    return replace(account, allowed=(*account.allowed, event.body_mac)[-ALLOWED_MAX:])


def erased(account: Account, recorded: Recorded, event: AccountErased) -> Account:  # noqa: ARG001  the fact alone matters
    """Leave everything that is open to be settled and the balance to be written off."""
    if account.erased is not None:
        return account
    return replace(account, erased=cause_of(recorded))
