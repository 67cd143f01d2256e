"""The decision on a request: `CreditsReserved` or `GenerationRejected`."""

from __future__ import annotations

from typing import Any

from commands.decided import Decided, chained, decided
from commands.policy import Policy
from events import postings
from events.base import Draw
from events.credits import CreditsReserved
from events.generations import GenerationRejected
from events.ids import GenerationId
from events.state import Account, Grant, Pending


def decide(
    account: Account, generation_id: str, pending: Pending, now_ms: int, policy: Policy
) -> Decided:
    """Admit the request, or say why not."""
    at_ms = pending.cause.appended_at_ms
    if account.erased is not None:
        return _reject(account, generation_id, pending, reason="account_erased")
    if now_ms >= at_ms + policy.deadline_ms:
        return _reject(account, generation_id, pending, reason="timed_out")
    if pending.prohibited_rule_id is not None and pending.body_mac not in account.allowed:
        rule_id = pending.prohibited_rule_id
        return _reject(account, generation_id, pending, reason="prohibited", rule_id=rule_id)
    price = policy.price(pending.model, pending.quality, pending.kind)
    if price is None or price < 1 or pending.count < 1 or pending.is_over_budget:
        reason = "over_budget" if pending.is_over_budget else "unavailable"
        return _reject(account, generation_id, pending, reason=reason)
    if pending.is_behind:
        return _reject(account, generation_id, pending, reason="batch_in_flight")
    return _admit(account, generation_id, pending, price, policy)


def _admit(
    account: Account, generation_id: str, pending: Pending, price: int, policy: Policy
) -> Decided:
    """Reserve the price, if the account's rate and balance allow it.

    A batch takes one token: with the first of its generations that is admitted.
    """
    at_ms = pending.cause.appended_at_ms
    tokens_ms = bucket_tokens_ms(account, at_ms, policy)
    refill_ms = 0 if pending.is_covered else policy.bucket_refill_ms
    if tokens_ms < refill_ms:
        wait_ms = refill_ms - tokens_ms
        return _reject(
            account, generation_id, pending, reason="rate_limited", retry_after_ms=wait_ms
        )
    needed = price * pending.count
    draws, missing = _draw(account.grants, needed, at_ms)
    if missing:
        return _reject(
            account,
            generation_id,
            pending,
            reason="insufficient_credits",
            credits_needed=needed,
            credits_available=needed - missing,
        )
    # Written out: by way of `chained` it takes twice as long, and this is what deciders do most.
    event = CreditsReserved(
        account_id=account.account_id,
        sequence=account.sequence + 1,
        previous_hash=account.head,
        cause_hash=pending.cause.value_hash,
        decided_at_ms=at_ms,
        generation_id=GenerationId(generation_id),
        credits=needed,
        price=price,
        draws=draws,
        deadline_ms=at_ms + policy.deadline_ms,
        bucket_tokens_ms=tokens_ms - refill_ms,
        postings=postings.reserved(needed),
    )
    return decided(event, generation_id, pending.cause.event_id, pending.traceparent)


def bucket_tokens_ms(account: Account, at_ms: int, policy: Policy) -> int:
    """What the token bucket holds at `at_ms`; time that runs backwards refills nothing."""
    if account.bucket_tokens_ms is None:
        return policy.bucket_capacity_ms
    elapsed_ms = max(0, at_ms - account.bucket_at_ms)
    return min(policy.bucket_capacity_ms, account.bucket_tokens_ms + elapsed_ms)


def _draw(grants: tuple[Grant, ...], needed: int, at_ms: int) -> tuple[tuple[Draw, ...], int]:
    """Take `needed` credits in the order of use; returns the draws and what is missing."""
    draws = []
    for grant in grants:
        if grant.available and (grant.expires_at_ms is None or grant.expires_at_ms > at_ms):
            taken = min(grant.available, needed)
            draws.append(Draw(grant.grant_id, taken))
            needed -= taken
            if not needed:
                break
    return tuple(draws), needed


def _reject(account: Account, generation_id: str, pending: Pending, **why: Any) -> Decided:
    return chained(
        GenerationRejected,
        account,
        pending.cause.value_hash,
        pending.cause.appended_at_ms,
        about=generation_id,
        causation_id=pending.cause.event_id,
        traceparent=pending.traceparent,
        generation_id=generation_id,
        **why,
    )
