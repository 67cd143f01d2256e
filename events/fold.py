"""`evolve(state, event) -> state`: the one fold of decider, projector, auditor and tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from events import fold_batches, fold_decisions, fold_facts, fold_gifts
from events.accounts import AccountErased, DebtCarried, UserRegistered
from events.base import Decision
from events.batches import BatchRequested
from events.chain import Void, judge
from events.credits import (
    CreditsExpired,
    CreditsGranted,
    CreditsReserved,
    CreditsRevoked,
    CreditsSettled,
)
from events.generations import (
    GenerationCancelled,
    GenerationCompleted,
    GenerationFailed,
    GenerationRejected,
    GenerationRequested,
)
from events.gifts import (
    GiftClaimed,
    GiftOffered,
    GiftRefused,
    GiftReturned,
    GiftSent,
    GiftTaken,
    GiftUnclaimed,
)
from events.grants import AWARDS
from events.moderation import AppealOverturned
from events.purchases import CreditsPurchased, PurchaseRefunded
from events.recorded import Recorded
from events.state import Account

Fold = Callable[[Account, Recorded, Any], Account]

_FACTS: dict[type, Fold] = {
    GenerationRequested: fold_facts.requested,
    BatchRequested: fold_batches.requested,
    GenerationCompleted: fold_facts.completed,
    GenerationFailed: fold_facts.failed,
    GenerationCancelled: fold_facts.cancelled,
    UserRegistered: fold_facts.registered,
    CreditsPurchased: fold_facts.purchased,
    PurchaseRefunded: fold_facts.refunded,
    AccountErased: fold_facts.erased,
    DebtCarried: fold_facts.carried,
    AppealOverturned: fold_facts.allowed,
    **dict.fromkeys(AWARDS, fold_facts.awarded),
    GiftOffered: fold_gifts.offered,
    GiftUnclaimed: fold_gifts.unclaimed,
    GiftTaken: fold_gifts.received,
    GiftClaimed: fold_gifts.claimed,
}
_DECISIONS: dict[type, Fold] = {
    CreditsReserved: fold_decisions.reserved,
    GenerationRejected: fold_decisions.rejected,
    CreditsSettled: fold_decisions.settled,
    CreditsGranted: fold_decisions.granted,
    CreditsRevoked: fold_decisions.revoked,
    CreditsExpired: fold_decisions.expired,
    GiftSent: fold_gifts.sent,
    GiftRefused: fold_gifts.refused,
    GiftReturned: fold_gifts.returned,
}


def apply(account: Account, recorded: Recorded) -> tuple[Account, Void | None]:
    """Fold one event; also says why a decision was void. Void or irrelevant: the same object."""
    event = recorded.event
    if account.frozen is not None:
        return account, None
    if isinstance(event, Decision):
        void = judge(account, event)
        if void is not None:
            return account, void
        return _DECISIONS[type(event)](account, recorded, event), None
    fold = _FACTS.get(type(event))
    return (account if fold is None else fold(account, recorded, event)), None


def evolve(account: Account, recorded: Recorded) -> Account:
    """The state after `recorded`; pure, total, and the same for every reader."""
    return apply(account, recorded)[0]


def evolve_all(account: Account, history: Iterable[Recorded]) -> Account:
    """The state after a whole history."""
    for recorded in history:
        account = evolve(account, recorded)
    return account


def freeze(account: Account, reason: str) -> Account:
    """Stop following an account whose chain or money this reader cannot read (design §3)."""
    return account if account.frozen is not None else replace(account, frozen=reason)
