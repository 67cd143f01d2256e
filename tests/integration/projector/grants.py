"""What may happen to an account's grants, drawn by chance; ids repeat, so that facts contradict."""

from __future__ import annotations

from random import Random

from events import ids
from events.codec import Event
from events.gifts import GiftClaimed, GiftOffered, GiftPart, GiftTaken, GiftUnclaimed
from events.grants import PromotionRedeemed
from events.ids import AccountId, SourceId

KEYS = 4
"""How many gifts and promotions an account has to do with."""


def something(chance: Random, account_id: AccountId) -> Event:
    """An award, or a step of a gift that the account made or received."""
    number = str(chance.randrange(KEYS))
    gift_id = ids.derive("gift", account_id, number)
    kind = chance.choice((PromotionRedeemed, GiftOffered, GiftTaken, GiftUnclaimed, GiftClaimed))
    if kind is PromotionRedeemed:
        return PromotionRedeemed(
            account_id=account_id,
            occurred_at_ms=0,
            source_id=SourceId(ids.derive("award", account_id, number)),
            credits=chance.randint(0, 5),
            promotion_id=ids.derive("promotion", number),
        )
    if kind is GiftOffered:
        count = chance.randint(0, 6)
        return GiftOffered(account_id=account_id, occurred_at_ms=0, gift_id=gift_id, credits=count)
    if kind is GiftTaken:
        return GiftTaken(account_id=account_id, occurred_at_ms=0, gift_id=gift_id)
    if kind is GiftUnclaimed:
        return GiftUnclaimed(
            account_id=account_id, occurred_at_ms=0, gift_id=gift_id, reason="expired"
        )
    parts = tuple(GiftPart(chance.randint(1, 3), None) for _ in range(chance.randint(1, 2)))
    return GiftClaimed(
        account_id=account_id,
        occurred_at_ms=0,
        gift_id=ids.derive("received", account_id, number),
        parts=parts,
    )
