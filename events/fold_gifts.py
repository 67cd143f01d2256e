"""How gifts fold: the giver's side as an entry of its own, the receiver's as sources of credits."""

from __future__ import annotations

from msgspec.structs import replace

from events.fold_decisions import given_back, link, still_needed, taken
from events.fold_facts import cause_of, with_source
from events.gifts import (
    GiftClaimed,
    GiftOffered,
    GiftRefused,
    GiftReturned,
    GiftSent,
    GiftTaken,
    GiftUnclaimed,
    part_source,
)
from events.recorded import Recorded
from events.state import CLOSED, OFFERED, SENT, Account, Gift, Source

WHY = "gift"


def offered(account: Account, recorded: Recorded, event: GiftOffered) -> Account:
    """Leave it to be decided; known already, it leaves nothing more."""
    if event.gift_id in account.gifts or event.credits <= 0:
        return account
    gift = Gift(OFFERED, event.credits, cause_of(recorded))
    return _with_gift(account, event.gift_id, gift)


def unclaimed(account: Account, recorded: Recorded, event: GiftUnclaimed) -> Account:
    """Leave the return to be decided, now or when the gift was sent."""
    gift = account.gifts.get(event.gift_id)
    if gift is None or gift.state == CLOSED or gift.ended is not None:
        return account
    return _with_gift(account, event.gift_id, replace(gift, ended=cause_of(recorded)))


def received(account: Account, _recorded: Recorded, event: GiftTaken) -> Account:
    """Somebody has it: nothing of it ever returns. The first end in the log counts."""
    gift = account.gifts.get(event.gift_id)
    if gift is None or gift.state != SENT or gift.ended is not None:
        return account
    return _with_gift(account, event.gift_id, replace(gift, state=CLOSED, draws=()))


def claimed(account: Account, recorded: Recorded, event: GiftClaimed) -> Account:
    """Leave a grant for each part to be decided, with the end that it had."""
    cause = cause_of(recorded)
    for index, part in enumerate(event.parts):
        key = part_source(event.gift_id, index)
        if part.credits > 0 and key not in account.sources:
            source = Source(WHY, WHY, part.credits, part.expires_at_ms, cause)
            account = with_source(account, key, source)
    return account


def sent(account: Account, recorded: Recorded, event: GiftSent) -> Account:
    """The draws leave their grants, and the account."""
    gift = account.gifts[event.gift_id]
    gone = replace(gift, state=SENT, cause=None, draws=event.draws)
    return link(
        _with_gift(account, event.gift_id, gone),
        recorded,
        event,
        grants=taken(account.grants, event.draws),
        granted=account.granted - event.credits,
    )


def refused(account: Account, recorded: Recorded, event: GiftRefused) -> Account:
    """Close it; nothing moves."""
    gift = replace(account.gifts[event.gift_id], state=CLOSED, cause=None, ended=None)
    return link(_with_gift(account, event.gift_id, gift), recorded, event)


def returned(account: Account, recorded: Recorded, event: GiftReturned) -> Account:
    """Close it: pay debt, expire, give back."""
    gift = replace(account.gifts[event.gift_id], state=CLOSED, draws=(), ended=None)
    after = _with_gift(account, event.gift_id, gift)
    return link(
        after,
        recorded,
        event,
        grants=still_needed(given_back(account.grants, event.returns), after),
        debt=account.debt - event.debt_paid,
        expired=account.expired + event.expired,
        granted=account.granted + event.credits,
    )


def _with_gift(account: Account, key: str, gift: Gift) -> Account:
    """Keep the gift, and list it as due exactly while there is something to decide about it."""
    due = tuple(one for one in account.due_gifts if one != key)
    if gift.is_due:
        due = (*due, key)
    return replace(account, gifts={**account.gifts, key: gift}, due_gifts=due)
