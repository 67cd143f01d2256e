"""What the judges of decisions have in common (`events.chain`, `events.chain_gifts`)."""

from __future__ import annotations

from enum import StrEnum

from events.base import Decision, Draw
from events.state import Account, Cause, Grant


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


def follows(event: Decision, cause: Cause) -> bool:
    """Whether the decision names the bytes and the time of what it decides."""
    return event.cause_hash == cause.value_hash and event.decided_at_ms == cause.appended_at_ms


def has_ended(grant: Grant, at_ms: int) -> bool:
    """Whether the grant's time is over."""
    return grant.expires_at_ms is not None and grant.expires_at_ms <= at_ms


def judge_draws(
    account: Account, draws: tuple[Draw, ...], total: int, alive_at_ms: int = -1
) -> Void | None:
    """Each draw must be covered by its grant, name it once, and all must sum to `total`.

    The grant must not have ended by `alive_at_ms`.
    """
    if len(draws) == 1:  # nearly every decision
        (draw,) = draws
        for grant in account.grants:
            if grant.grant_id == draw.grant_id:
                fits = 0 < draw.credits <= grant.available and draw.credits == total
                alive = not has_ended(grant, alive_at_ms)
                return None if fits and alive else Void.IMPOSSIBLE
        return Void.IMPOSSIBLE
    left = {
        grant.grant_id: grant.available
        for grant in account.grants
        if not has_ended(grant, alive_at_ms)
    }
    drawn = 0
    for draw in draws:
        if not 0 < draw.credits <= left.pop(draw.grant_id, 0):
            return Void.IMPOSSIBLE
        drawn += draw.credits
    return None if drawn == total else Void.IMPOSSIBLE


def judge_split(
    account: Account,
    drawn_from: tuple[Draw, ...],
    returned: int,
    split: tuple[int, int, tuple[Draw, ...]],
    at_ms: int,
) -> Void | None:
    """A debt is paid first; the rest goes where it was drawn, if that grant lives on.

    Args:
        account: before it.
        drawn_from: what is (in part) returned.
        returned: how much of it.
        split: what of that pays a debt, what expires, and what is returned to which grant.
        at_ms: when.
    """
    debt_paid, expired, returns = split
    if debt_paid != min(account.debt, returned):
        return Void.IMPOSSIBLE
    ended, alive = 0, {}
    drawn = {draw.grant_id: draw.credits for draw in drawn_from}
    for grant in account.grants:
        if grant.grant_id in drawn:
            if has_ended(grant, at_ms):
                ended += drawn[grant.grant_id]
            else:
                alive[grant.grant_id] = drawn[grant.grant_id]
    back = 0
    for draw in returns:
        if not 0 < draw.credits <= alive.pop(draw.grant_id, 0):
            return Void.IMPOSSIBLE
        back += draw.credits
    whole = debt_paid + expired + back == returned
    return None if whole and 0 <= expired <= ended else Void.IMPOSSIBLE
