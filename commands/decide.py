"""`decide(state, what is due) -> event`: the only author of money and admission (design §2, §3).

What is due is a function of the state: requests to admit, results to settle, purchases to grant,
refunds to revoke, grants and deadlines that ended. So a decider that starts anew, or whose
speculation was dropped, simply asks again.
"""

from __future__ import annotations

from collections.abc import Iterator

from commands import admission, gifts, settlement, sources
from commands.decided import Decided
from commands.policy import DEFAULT, Policy
from events.state import Account, Cause, Gift, Pending, Reservation


def decide(account: Account, now_ms: int, policy: Policy = DEFAULT) -> Decided | None:
    """The next decision that is due for `account` at the broker's time `now_ms`, or None.

    Call it again with the evolved state until it returns None. The order is money in, money back,
    results, what ended, then new requests and gifts: none is refused for credits that are due.
    """
    if account.frozen is not None:
        return None
    if account.due_sources or account.due_gifts:
        decided = sources.decide(account) or gifts.decide_return(account)
        if decided is not None:
            return decided
    first_pending: tuple[str, Pending] | None = None
    for generation_id, entry in account.open.items():
        if isinstance(entry, Pending):
            first_pending = first_pending or (generation_id, entry)
        elif entry.outcome is not None or now_ms >= entry.deadline_ms or account.erased is not None:
            return settlement.decide(account, generation_id, entry)
    offer = gifts.first_offer(account) if account.due_gifts else None
    return _wanted(account, first_pending, offer, now_ms, policy)


def _wanted(
    account: Account,
    pending: tuple[str, Pending] | None,
    offer: tuple[str, Gift, Cause] | None,
    now_ms: int,
    policy: Policy,
) -> Decided | None:
    """What ended, then what is asked for: of a request and a gift, the one that came first.

    They are decided as of their append: what ends later must not be taken from them, however late
    their decider is.
    """
    asked_at_ms = now_ms if pending is None else min(now_ms, pending[1].cause.appended_at_ms)
    gift_first = offer is not None and (pending is None or offer[2].appended_at_ms <= asked_at_ms)
    if offer is not None and gift_first:
        asked_at_ms = min(now_ms, offer[2].appended_at_ms)
    if account.grants and account.grants[0].expires_at_ms is not None:
        expiry = sources.decide_expiry(account, asked_at_ms)
        if expiry is not None:
            return expiry
    if offer is not None and gift_first:
        return gifts.decide_offer(account, *offer)
    if pending is not None:
        return admission.decide(account, *pending, now_ms, policy)
    return None if account.erased is None else sources.decide_write_off(account)


def due_at_ms(account: Account) -> int | None:
    """When the passing of time alone will next make something due; None: never."""
    return None if account.frozen is not None else min(_ends(account), default=None)


def _ends(account: Account) -> Iterator[int]:
    for entry in account.open.values():
        if isinstance(entry, Reservation) and entry.outcome is None:
            yield entry.deadline_ms
    for grant in account.grants:
        if grant.expires_at_ms is not None and grant.available:
            yield grant.expires_at_ms
