"""Credits that nobody paid for: promotions, referrals, goodwill."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from events.base import Draw
from events.credits import CreditsExpired, CreditsGranted, CreditsReserved
from tests.given import MINUTE, Told, a, asks, at, bought, given, leaves, refunded, source
from tests.given_grants import award, redeemed, rewarded, soothed

Awarded = Callable[[str, int, int | None], Told]


@pytest.mark.parametrize(
    ("awarded", "why"),
    [(redeemed, "promotion"), (rewarded, "referral"), (soothed, "goodwill")],
)
def test_an_award_is_granted_once(awarded: Awarded, why: str) -> None:
    """Told twice, with other figures too, it is granted once, with its reason and its expiry."""
    (
        given(awarded("x", 10, MINUTE), awarded("x", 10, MINUTE))
        .when(at(0))
        .then(
            a(
                CreditsGranted,
                source_id=award("x"),
                why=why,
                origin=why,
                credits=10,
                expires_at_ms=at(MINUTE),
            )
        )
        .when(awarded("x", 500, None).after(1))
        .then()
        .then_state(available=10, granted=10)
    )


def test_an_award_of_nothing_grants_nothing() -> None:
    """Zero credits leave nothing to decide."""
    given(redeemed("x", 0)).when(at(0)).then().then_state(granted=0)


def test_awards_pay_a_debt_first() -> None:
    """Nobody spends an award while credits that were refunded are owed."""
    (
        given(bought("p", 4), asks("cat", 4))
        .when(at(0))
        .when(refunded("p"))
        .then_state(debt=4)
        .when(redeemed("x", 3))
        .then(a(CreditsGranted, credits=3, debt_paid=3))
        .then_state(available=0, debt=1)
    )


def test_awards_are_used_before_what_was_paid_for() -> None:
    """With the same end, what was given is used first; what ends sooner, before anything."""
    (
        given(bought("p", 2), redeemed("never", 2), rewarded("soon", 2, MINUTE))
        .when(at(0))
        .when(asks("cat", 4).after(0))
        .then(a(CreditsReserved, draws=(Draw(award("soon"), 2), Draw(award("never"), 2))))
        .when(asks("dog", 2).after(1))
        .then(a(CreditsReserved, draws=(Draw(source("p"), 2),)))
    )


def test_awards_end_when_they_said() -> None:
    """At its expiry what is left of an award ends."""
    given(soothed("x", 5, 1000)).when(at(999)).then(a(CreditsGranted)).when(at(1000)).then(
        a(CreditsExpired, credits=5, draws=(Draw(award("x"), 5),))
    )


def test_an_award_to_an_erased_account_is_written_off() -> None:
    """It comes too late for anybody: granted, and written off at once."""
    given(leaves()).when(at(0)).when(rewarded("x", 5)).then(
        a(CreditsGranted, credits=5), a(CreditsExpired, why="erasure", credits=5)
    ).then_state(available=0)
