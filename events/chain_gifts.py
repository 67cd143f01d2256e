"""Which decisions on gifts count; called by `events.chain.judge` once they continue the chain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from events import postings
from events.gifts import GiftPart, GiftRefused, GiftReturned, GiftSent
from events.judging import Void, follows, judge_draws, judge_split
from events.state import OFFERED, SENT, Account


def _judge_sent(account: Account, event: GiftSent) -> Void | None:
    gift = account.gifts.get(event.gift_id)
    if gift is None or gift.state != OFFERED or gift.cause is None:
        return Void.NOTHING_TO_DECIDE
    if account.erased is not None or not follows(event, gift.cause):
        return Void.CONTRADICTS_FACT
    if event.credits != gift.credits:
        return Void.CONTRADICTS_FACT
    ends = {grant.grant_id: grant.expires_at_ms for grant in account.grants}
    parts = tuple(GiftPart(draw.credits, ends.get(draw.grant_id)) for draw in event.draws)
    if event.parts != parts or event.postings != postings.gift_sent(event.credits):
        return Void.IMPOSSIBLE
    return judge_draws(account, event.draws, event.credits, event.decided_at_ms)


def _judge_refused(account: Account, event: GiftRefused) -> Void | None:
    gift = account.gifts.get(event.gift_id)
    if gift is None or gift.state != OFFERED or gift.cause is None:
        return Void.NOTHING_TO_DECIDE
    if not follows(event, gift.cause):
        return Void.CONTRADICTS_FACT
    return Void.IMPOSSIBLE if event.postings else None


def _judge_returned(account: Account, event: GiftReturned) -> Void | None:
    gift = account.gifts.get(event.gift_id)
    if gift is None or gift.state != SENT or gift.ended is None:
        return Void.NOTHING_TO_DECIDE
    if event.credits != gift.credits or not follows(event, gift.ended):
        return Void.CONTRADICTS_FACT
    parts = (event.credits, event.debt_paid, event.expired)
    if event.postings != postings.gift_returned(*parts):
        return Void.IMPOSSIBLE
    split = (event.debt_paid, event.expired, event.returns)
    return judge_split(account, gift.draws, event.credits, split, event.decided_at_ms)


RULES: Final[dict[type, Callable[[Account, Any], Void | None]]] = {
    GiftSent: _judge_sent,
    GiftRefused: _judge_refused,
    GiftReturned: _judge_returned,
}
