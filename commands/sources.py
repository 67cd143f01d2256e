"""The decisions on where credits come from and go: grants, revocations, expiries, write-offs."""

from __future__ import annotations

from commands.decided import Decided, chained
from events import postings
from events.base import Draw
from events.credits import CreditsExpired, CreditsGranted, CreditsRevoked
from events.ids import SourceId
from events.state import Account, Cause, Grant, Refund, Source


def decide(account: Account) -> Decided | None:
    """Grant or revoke for the first source that is due."""
    for key in account.due_sources:
        source = account.sources[key]
        if source.cause is not None:
            return _grant(account, SourceId(key), source, source.cause)
        if source.refund is not None and not source.refund.revoked:
            return _revoke(account, SourceId(key), source, source.refund)
    return None


def _grant(account: Account, source_id: SourceId, source: Source, cause: Cause) -> Decided:
    debt_paid = min(account.debt, source.credits)
    return chained(
        CreditsGranted,
        account,
        cause.value_hash,
        cause.appended_at_ms,
        about=source_id,
        causation_id=cause.event_id,
        source_id=source_id,
        why=source.why,
        origin=source.origin,
        credits=source.credits,
        debt_paid=debt_paid,
        expires_at_ms=source.expires_at_ms,
        postings=postings.granted(source.origin, source.credits, debt_paid),
    )


def _revoke(account: Account, source_id: SourceId, source: Source, refund: Refund) -> Decided:
    """Take the credits back from their own grant first, then in the order of use.

    The money went back for all of them, so all of them leave: what was used becomes a debt.
    """
    own_first = sorted(account.grants, key=lambda grant: grant.grant_id != source_id)
    draws = _take(own_first, source.credits)
    taken = sum(draw.credits for draw in draws)
    debt_added = source.credits - taken
    return chained(
        CreditsRevoked,
        account,
        refund.cause.value_hash,
        refund.cause.appended_at_ms,
        about=source_id,
        causation_id=refund.cause.event_id,
        source_id=source_id,
        refund_id=refund.refund_id,
        why=refund.why,
        origin=source.origin,
        credits=source.credits,
        draws=draws,
        debt_added=debt_added,
        postings=postings.revoked(source.origin, source.credits, debt_added),
    )


def decide_expiry(account: Account, now_ms: int) -> Decided | None:
    """End what is left of the first grant whose time is over."""
    for grant in account.grants:
        if grant.expires_at_ms is None or grant.expires_at_ms > now_ms:
            break  # grants stand in the order of use: no later one ends sooner
        if grant.available:
            return chained(
                CreditsExpired,
                account,
                grant.value_hash,
                grant.expires_at_ms,
                about=grant.grant_id,
                why="expiry",
                draws=(Draw(grant.grant_id, grant.available),),
                credits=grant.available,
                postings=postings.expired(grant.available, 0),
            )
    return None


def decide_write_off(account: Account) -> Decided | None:
    """Write off what an erased account leaves, once nothing of it is open."""
    if account.open:
        return None
    assert account.erased is not None
    draws = tuple(Draw(grant.grant_id, grant.available) for grant in account.grants)
    draws = tuple(draw for draw in draws if draw.credits)
    left = sum(draw.credits for draw in draws)
    if not left and not account.debt:
        return None
    return chained(
        CreditsExpired,
        account,
        account.erased.value_hash,
        account.erased.appended_at_ms,
        about=account.account_id,
        causation_id=account.erased.event_id,
        why="erasure",
        draws=draws,
        credits=left,
        debt_written_off=account.debt,
        postings=postings.expired(left, account.debt),
    )


def _take(grants: list[Grant], credits_wanted: int) -> tuple[Draw, ...]:
    draws = []
    for grant in grants:
        taken = min(grant.available, credits_wanted)
        if taken:
            draws.append(Draw(grant.grant_id, taken))
            credits_wanted -= taken
    return tuple(draws)
