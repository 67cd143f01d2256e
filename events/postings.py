"""The double entry of each decision, derived from its fields, and from nowhere else.

The decider writes these lines and every reader holds them against the fields: a decision whose
postings tell another story than the rest of it does not count.
"""

from __future__ import annotations

from functools import lru_cache

from events.base import Posting
from events.credits import AVAILABLE, DEBT, EARNED, EXPIRED, RESERVED, WRITTEN_OFF, world

Postings = tuple[Posting, ...]


@lru_cache(maxsize=1_000)
def reserved(price_of_all: int) -> Postings:
    """The price is set aside."""
    return (Posting(AVAILABLE, -price_of_all), Posting(RESERVED, price_of_all))


def settled(captured: int, returned: int, debt_paid: int, ended: int) -> Postings:
    """The reservation ends; of what returns, some pays a debt and some ends with its grant."""
    return _lines(
        (RESERVED, -captured - returned),
        (EARNED, captured),
        (DEBT, debt_paid),
        (EXPIRED, ended),
        (AVAILABLE, returned - debt_paid - ended),
    )


def granted(origin: str, entered: int, debt_paid: int) -> Postings:
    """Credits enter; a debt is paid first."""
    return _lines(
        (world(origin), -entered),
        (DEBT, debt_paid),
        (AVAILABLE, entered - debt_paid),
    )


def revoked(origin: str, left: int, debt_added: int) -> Postings:
    """Credits leave to where they came from; what is not there any more is owed."""
    return _lines(
        (AVAILABLE, debt_added - left),
        (DEBT, -debt_added),
        (world(origin), left),
    )


def gift_sent(given: int) -> Postings:
    """Credits leave for somebody who is not known yet."""
    return (Posting(AVAILABLE, -given), Posting(world("gift"), given))


def gift_returned(came_back: int, debt_paid: int, ended: int) -> Postings:
    """They come back; of them, some pays a debt and some ends with its grant."""
    return _lines(
        (world("gift"), -came_back),
        (DEBT, debt_paid),
        (EXPIRED, ended),
        (AVAILABLE, came_back - debt_paid - ended),
    )


def expired(ended: int, debt_written_off: int) -> Postings:
    """Credits end unused; with an erased account its debt does too."""
    return _lines(
        (AVAILABLE, -ended),
        (EXPIRED, ended),
        (DEBT, debt_written_off),
        (WRITTEN_OFF, -debt_written_off),
    )


def _lines(*moves: tuple[str, int]) -> Postings:
    return tuple(Posting(account, moved) for account, moved in moves if moved)
