"""The decisions on gifts: `GiftSent` or `GiftRefused`, and `GiftReturned`.

Only what was paid for may be given away: else the welcome credits of many accounts would end up in
one. What was received as a gift was not paid for by its receiver, so it goes no further.
"""

from __future__ import annotations

from typing import Any

from commands.decided import Decided, chained
from commands.settlement import split_returned
from events import postings
from events.base import Draw
from events.gifts import GiftPart, GiftRefused, GiftReturned, GiftSent
from events.state import OFFERED, Account, Cause, Gift, Grant


def first_offer(account: Account) -> tuple[str, Gift, Cause] | None:
    """The oldest offer that is not decided yet."""
    for gift_id in account.due_gifts:
        gift = account.gifts[gift_id]
        if gift.state == OFFERED and gift.cause is not None:
            return gift_id, gift, gift.cause
    return None


def decide_return(account: Account) -> Decided | None:
    """Take the first gift back that was sent and that nobody received."""
    for gift_id in account.due_gifts:
        gift = account.gifts[gift_id]
        if gift.state != OFFERED and gift.ended is not None:
            return _return(account, gift_id, gift, gift.ended)
    return None


def decide_offer(account: Account, gift_id: str, gift: Gift, cause: Cause) -> Decided:
    """Let the credits leave, or say why not."""
    if account.erased is not None:
        return _refuse(account, gift_id, cause, reason="account_erased")
    at_ms = cause.appended_at_ms
    draws, parts, missing = [], [], gift.credits
    for grant in account.grants:
        if _may_be_given(grant, at_ms) and missing:
            drawn = min(grant.available, missing)
            draws.append(Draw(grant.grant_id, drawn))
            parts.append(GiftPart(drawn, grant.expires_at_ms))
            missing -= drawn
    if missing:
        return _refuse(
            account,
            gift_id,
            cause,
            reason="insufficient_credits",
            credits_needed=gift.credits,
            credits_available=gift.credits - missing,
        )
    return chained(
        GiftSent,
        account,
        cause.value_hash,
        at_ms,
        about=gift_id,
        causation_id=cause.event_id,
        gift_id=gift_id,
        credits=gift.credits,
        draws=tuple(draws),
        parts=tuple(parts),
        postings=postings.gift_sent(gift.credits),
    )


def _may_be_given(grant: Grant, at_ms: int) -> bool:
    alive = grant.expires_at_ms is None or grant.expires_at_ms > at_ms
    return alive and bool(grant.available) and not grant.promotional


def _refuse(account: Account, gift_id: str, cause: Cause, **why: Any) -> Decided:
    return chained(
        GiftRefused,
        account,
        cause.value_hash,
        cause.appended_at_ms,
        about=gift_id,
        causation_id=cause.event_id,
        gift_id=gift_id,
        **why,
    )


def _return(account: Account, gift_id: str, gift: Gift, cause: Cause) -> Decided:
    at_ms = cause.appended_at_ms
    debt_paid, expired, returns = split_returned(account, gift.draws, 0, at_ms)
    return chained(
        GiftReturned,
        account,
        cause.value_hash,
        at_ms,
        about=gift_id,
        causation_id=cause.event_id,
        gift_id=gift_id,
        credits=gift.credits,
        debt_paid=debt_paid,
        expired=expired,
        returns=returns,
        postings=postings.gift_returned(gift.credits, debt_paid, expired),
    )
