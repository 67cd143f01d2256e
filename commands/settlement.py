"""The decision that ends a reservation: one `CreditsSettled` for each."""

from __future__ import annotations

from commands.decided import Decided, chained
from events import postings
from events.base import Draw
from events.credits import CreditsSettled
from events.state import Account, Cause, Grant, Reservation


def decide(account: Account, generation_id: str, reservation: Reservation) -> Decided:
    """Settle what has a result, what an erased account leaves open, what is past its deadline."""
    outcome = reservation.outcome
    if outcome is not None:
        captured = min(outcome.delivered * reservation.price, reservation.credits)
        return _settle(account, generation_id, reservation, outcome.kind, outcome.cause, captured)
    if account.erased is not None:
        return _settle(account, generation_id, reservation, "erased", account.erased, 0)
    cause = Cause(reservation.cause.value_hash, reservation.deadline_ms, reservation.cause.event_id)
    return _settle(account, generation_id, reservation, "timed_out", cause, 0)


def _settle(
    account: Account,
    generation_id: str,
    reservation: Reservation,
    outcome: str,
    cause: Cause,
    captured: int,
) -> Decided:
    at_ms = cause.appended_at_ms
    returned = reservation.credits - captured
    debt_paid, expired, returns = split_returned(account, reservation.draws, captured, at_ms)
    return chained(
        CreditsSettled,
        account,
        cause.value_hash,
        at_ms,
        about=generation_id,
        causation_id=cause.event_id,
        traceparent=reservation.traceparent,
        generation_id=generation_id,
        outcome=outcome,
        captured=captured,
        returned=returned,
        debt_paid=debt_paid,
        expired=expired,
        returns=returns,
        postings=postings.settled(captured, returned, debt_paid, expired),
    )


def split_returned(
    account: Account, draws: tuple[Draw, ...], captured: int, at_ms: int
) -> tuple[int, int, tuple[Draw, ...]]:
    """Split what is not captured into (debt paid, expired with its grant, returned to grants).

    Capture takes from the draws in their order, so what returns had the longest to live. A debt
    is paid first, and first from what would expire anyway: that costs the customer least.
    """
    left: list[Draw] = []
    for draw in draws:
        taken = min(draw.credits, captured)
        captured -= taken
        if draw.credits > taken:
            left.append(Draw(draw.grant_id, draw.credits - taken))
    if not left:
        return 0, 0, ()
    ended = {grant.grant_id for grant in account.grants if _has_ended(grant, at_ms)}
    debt, debt_paid, expired = account.debt, 0, 0
    returns: list[Draw] = []
    for draw in sorted(left, key=lambda draw: draw.grant_id not in ended):
        paid = min(debt - debt_paid, draw.credits)
        debt_paid += paid
        if draw.grant_id in ended:
            expired += draw.credits - paid
        elif draw.credits > paid:
            returns.append(Draw(draw.grant_id, draw.credits - paid))
    return debt_paid, expired, tuple(returns)


def _has_ended(grant: Grant, at_ms: int) -> bool:
    return grant.expires_at_ms is not None and grant.expires_at_ms <= at_ms
