"""The rule, the same for every reader: which decisions count (design §3).

A decision counts only if it continues the account's chain, decides what is there and not decided
yet, and follows from it: it names the bytes and the broker's time of its cause, moves what is
there, and its postings say the same as its fields. Any other is void: kept in the log, reported,
without effect. So log order picks one winner among deciders that all believe to own an account.

Whatever a person may want to change (prices, limits, deadlines) is not judged here but copied into
the decision: readers must agree on old decisions whatever the figures of today are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from events import chain_gifts, postings
from events.base import Decision
from events.credits import (
    CreditsExpired,
    CreditsGranted,
    CreditsReserved,
    CreditsRevoked,
    CreditsSettled,
)
from events.generations import GenerationRejected
from events.judging import Void, follows, judge_draws, judge_split
from events.state import Account, Pending, Reservation

__all__ = ["Void", "judge"]


def judge(account: Account, event: Decision) -> Void | None:
    """Whether `event` counts for `account` as it stands: None, or why not."""
    if event.previous_hash != account.head or event.sequence != account.sequence + 1:
        return Void.OTHER_CHAIN
    return _RULES[type(event)](account, event)


def _judge_reserved(account: Account, event: CreditsReserved) -> Void | None:
    entry = account.open.get(event.generation_id)
    if type(entry) is not Pending:
        return Void.NOTHING_TO_DECIDE
    if account.erased is not None or not follows(event, entry.cause):
        return Void.CONTRADICTS_FACT
    if event.credits <= 0 or event.price <= 0:
        return Void.IMPOSSIBLE
    if event.postings != postings.reserved(event.credits):
        return Void.IMPOSSIBLE
    return judge_draws(account, event.draws, event.credits, event.decided_at_ms)


def _judge_rejected(account: Account, event: GenerationRejected) -> Void | None:
    entry = account.open.get(event.generation_id)
    if type(entry) is not Pending:
        return Void.NOTHING_TO_DECIDE
    if not follows(event, entry.cause):
        return Void.CONTRADICTS_FACT
    return Void.IMPOSSIBLE if event.postings else None


def _judge_settled(account: Account, event: CreditsSettled) -> Void | None:
    entry = account.open.get(event.generation_id)
    if type(entry) is not Reservation:
        return Void.NOTHING_TO_DECIDE
    outcome, cause, captured = event.outcome, entry.cause, 0
    if entry.outcome is not None:
        outcome, cause = entry.outcome.kind, entry.outcome.cause
        captured = min(entry.outcome.delivered * entry.price, entry.credits)
    elif outcome == "erased" and account.erased is not None:
        cause = account.erased
    elif outcome == "timed_out":
        cause = replace(cause, appended_at_ms=entry.deadline_ms)
    else:
        return Void.CONTRADICTS_FACT
    if (event.outcome, event.captured) != (outcome, captured) or not follows(event, cause):
        return Void.CONTRADICTS_FACT
    if event.captured + event.returned != entry.credits:
        return Void.IMPOSSIBLE
    parts = (event.captured, event.returned, event.debt_paid, event.expired)
    if event.postings != postings.settled(*parts):
        return Void.IMPOSSIBLE
    split = (event.debt_paid, event.expired, event.returns)
    return judge_split(account, entry.draws, event.returned, split, event.decided_at_ms)


def _judge_granted(account: Account, event: CreditsGranted) -> Void | None:
    source = account.sources.get(event.source_id)
    if source is None or source.cause is None:
        return Void.NOTHING_TO_DECIDE
    told = (event.credits, event.why, event.origin, event.expires_at_ms)
    known = (source.credits, source.why, source.origin, source.expires_at_ms)
    if told != known or not follows(event, source.cause):
        return Void.CONTRADICTS_FACT
    if event.debt_paid != min(account.debt, event.credits):
        return Void.IMPOSSIBLE
    canonical = postings.granted(event.origin, event.credits, event.debt_paid)
    return None if event.postings == canonical else Void.IMPOSSIBLE


def _judge_revoked(account: Account, event: CreditsRevoked) -> Void | None:
    source = account.sources.get(event.source_id)
    if source is None or not source.seen or source.cause is not None or source.refund is None:
        return Void.NOTHING_TO_DECIDE
    refund = source.refund
    if refund.revoked:
        return Void.NOTHING_TO_DECIDE
    told = (event.credits, event.origin, event.refund_id, event.why)
    known = (source.credits, source.origin, refund.refund_id, refund.why)
    if told != known or not follows(event, refund.cause):
        return Void.CONTRADICTS_FACT
    if event.debt_added != max(0, event.credits - account.available):
        return Void.IMPOSSIBLE
    if event.postings != postings.revoked(event.origin, event.credits, event.debt_added):
        return Void.IMPOSSIBLE
    return judge_draws(account, event.draws, event.credits - event.debt_added)


def _judge_expired(account: Account, event: CreditsExpired) -> Void | None:
    if event.why == "erasure":
        return _judge_written_off(account, event)
    draw = event.draws[0] if len(event.draws) == 1 else None
    grant = next((g for g in account.grants if draw and g.grant_id == draw.grant_id), None)
    if grant is None or not grant.available or grant.expires_at_ms is None:
        return Void.NOTHING_TO_DECIDE
    if (event.cause_hash, event.decided_at_ms) != (grant.value_hash, grant.expires_at_ms):
        return Void.CONTRADICTS_FACT
    if event.credits != grant.available or event.debt_written_off:
        return Void.IMPOSSIBLE
    if event.postings != postings.expired(event.credits, 0):
        return Void.IMPOSSIBLE
    return judge_draws(account, event.draws, event.credits)


def _judge_written_off(account: Account, event: CreditsExpired) -> Void | None:
    if account.erased is None or (account.available, account.debt) == (0, 0):
        return Void.NOTHING_TO_DECIDE
    if not follows(event, account.erased):
        return Void.CONTRADICTS_FACT
    if (event.credits, event.debt_written_off) != (account.available, account.debt):
        return Void.IMPOSSIBLE
    if event.postings != postings.expired(event.credits, event.debt_written_off):
        return Void.IMPOSSIBLE
    return judge_draws(account, event.draws, event.credits)


_RULES: dict[type, Callable[[Account, Any], Void | None]] = {
    CreditsReserved: _judge_reserved,
    GenerationRejected: _judge_rejected,
    CreditsSettled: _judge_settled,
    CreditsGranted: _judge_granted,
    CreditsRevoked: _judge_revoked,
    CreditsExpired: _judge_expired,
    **chain_gifts.RULES,
}
