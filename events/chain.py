"""The rule, the same for every reader: which decisions count (design §3).

A decision counts only if it continues the account's chain, decides what is there and not decided
yet, and does not contradict the first result fact. Any other is void: kept in the log, reported,
without effect. So log order picks one winner among deciders that all believe to own an account.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from events.base import Decision, Draw
from events.credits import (
    CreditsExpired,
    CreditsGranted,
    CreditsReserved,
    CreditsRevoked,
    CreditsSettled,
)
from events.generations import GenerationRejected
from events.state import Account, Pending, Reservation


class Void(StrEnum):
    """Why a decision has no effect."""

    OTHER_CHAIN = "other_chain"
    """It continues another event than the account's last counted decision."""
    NOTHING_TO_DECIDE = "nothing_to_decide"
    """What it decides is unknown here or decided already."""
    CONTRADICTS_FACT = "contradicts_fact"
    """A fact that stands before it in the log demands another decision."""
    IMPOSSIBLE = "impossible"
    """It moves credits that are not there; no correct decider writes it."""


def judge(account: Account, event: Decision) -> Void | None:
    """Whether `event` counts for `account` as it stands: None, or why not."""
    if event.previous_hash != account.head or event.sequence != account.sequence + 1:
        return Void.OTHER_CHAIN
    total = 0
    for posting in event.postings:
        total += posting.credits
    if total != 0:
        return Void.IMPOSSIBLE
    return _RULES[type(event)](account, event)


def _judge_reserved(account: Account, event: CreditsReserved) -> Void | None:
    entry = account.open.get(event.generation_id)
    if type(entry) is not Pending:
        return Void.NOTHING_TO_DECIDE
    if entry.cause.value_hash != event.cause_hash:
        return Void.CONTRADICTS_FACT
    if event.credits <= 0 or event.price <= 0:
        return Void.IMPOSSIBLE
    return _judge_draws(account, event.draws, event.credits)


def _judge_rejected(account: Account, event: GenerationRejected) -> Void | None:
    entry = account.open.get(event.generation_id)
    if type(entry) is not Pending:
        return Void.NOTHING_TO_DECIDE
    if entry.cause.value_hash != event.cause_hash:
        return Void.CONTRADICTS_FACT
    return None


def _judge_settled(account: Account, event: CreditsSettled) -> Void | None:
    entry = account.open.get(event.generation_id)
    if type(entry) is not Reservation:
        return Void.NOTHING_TO_DECIDE
    if entry.outcome is not None:
        captured = min(entry.outcome.delivered * entry.price, entry.credits)
        expected = (entry.outcome.cause.value_hash, entry.outcome.kind, captured)
    elif account.erased is not None and event.outcome == "erased":
        expected = (account.erased.value_hash, "erased", 0)
    elif event.decided_at_ms >= entry.deadline_ms:
        expected = (entry.cause.value_hash, "timed_out", 0)
    else:
        return Void.CONTRADICTS_FACT
    if (event.cause_hash, event.outcome, event.captured) != expected:
        return Void.CONTRADICTS_FACT
    back = sum(draw.credits for draw in event.returns)
    parts = (event.returned, event.debt_paid, event.expired, back)
    if (
        min(parts) < 0
        or event.captured + event.returned != entry.credits
        or event.debt_paid + event.expired + back != event.returned
        or event.debt_paid > account.debt
    ):
        return Void.IMPOSSIBLE
    known = {draw.grant_id for draw in entry.draws}
    return None if all(draw.grant_id in known for draw in event.returns) else Void.IMPOSSIBLE


def _judge_granted(account: Account, event: CreditsGranted) -> Void | None:
    source = account.sources.get(event.source_id)
    if source is None or source.cause is None:
        return Void.NOTHING_TO_DECIDE
    if source.cause.value_hash != event.cause_hash or source.credits != event.credits:
        return Void.CONTRADICTS_FACT
    if not 0 <= event.debt_paid <= min(account.debt, event.credits):
        return Void.IMPOSSIBLE
    return None


def _judge_revoked(account: Account, event: CreditsRevoked) -> Void | None:
    source = account.sources.get(event.source_id)
    if source is None or not source.seen or source.cause is not None or source.refund is None:
        return Void.NOTHING_TO_DECIDE
    if source.refund.revoked:
        return Void.NOTHING_TO_DECIDE
    if source.refund.cause.value_hash != event.cause_hash or source.credits != event.credits:
        return Void.CONTRADICTS_FACT
    if event.debt_added < 0:
        return Void.IMPOSSIBLE
    return _judge_draws(account, event.draws, event.credits - event.debt_added)


def _judge_expired(account: Account, event: CreditsExpired) -> Void | None:
    if event.why == "erasure":
        if account.erased is None or (event.credits, event.debt_written_off) == (0, 0):
            return Void.NOTHING_TO_DECIDE
        if not 0 <= event.debt_written_off <= account.debt:
            return Void.IMPOSSIBLE
        return _judge_draws(account, event.draws, event.credits)
    ends = {
        grant.grant_id: grant.expires_at_ms
        for grant in account.grants
        if grant.expires_at_ms is not None and grant.available > 0
    }
    for draw in event.draws:
        if ends.get(draw.grant_id, event.decided_at_ms + 1) > event.decided_at_ms:
            return Void.NOTHING_TO_DECIDE
    if event.credits <= 0 or event.debt_written_off != 0:
        return Void.IMPOSSIBLE
    return _judge_draws(account, event.draws, event.credits)


def _judge_draws(account: Account, draws: tuple[Draw, ...], total: int) -> Void | None:
    """Each draw must be covered by its grant, name it once, and all must sum to `total`."""
    if len(draws) == 1:  # nearly every decision
        (draw,) = draws
        for grant in account.grants:
            if grant.grant_id == draw.grant_id:
                fits = 0 < draw.credits <= grant.available and draw.credits == total
                return None if fits else Void.IMPOSSIBLE
        return Void.IMPOSSIBLE
    left = {grant.grant_id: grant.available for grant in account.grants}
    drawn = 0
    for draw in draws:
        if not 0 < draw.credits <= left.pop(draw.grant_id, 0):
            return Void.IMPOSSIBLE
        drawn += draw.credits
    return None if drawn == total else Void.IMPOSSIBLE


_RULES: dict[type, Callable[[Account, Any], Void | None]] = {
    CreditsReserved: _judge_reserved,
    GenerationRejected: _judge_rejected,
    CreditsSettled: _judge_settled,
    CreditsGranted: _judge_granted,
    CreditsRevoked: _judge_revoked,
    CreditsExpired: _judge_expired,
}
