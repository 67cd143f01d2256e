"""The end of an account: what is open is settled, what is left is written off."""

from __future__ import annotations

from events.credits import CreditsExpired, CreditsGranted, CreditsRevoked, CreditsSettled
from events.generations import GenerationRejected
from tests.given import a, asks, at, bought, finished, given, leaves, refunded, signed_up


def test_erasing_settles_what_is_open_and_writes_off_the_rest() -> None:
    """Requests are refused, reservations return, the balance ends; nothing is owed."""
    (
        given(signed_up(5))
        .when(asks("cat", 3).after(0))
        .given(leaves().after(10), asks("dog").after(11))
        .when(at(20))
        .then(
            a(CreditsSettled, outcome="erased", returned=3, decided_at_ms=at(10)),
            a(GenerationRejected, reason="account_erased"),
            a(CreditsExpired, why="erasure", credits=5, debt_written_off=0),
        )
        .then_state(available=0, reserved=0, expired=5, open={})
        .when(at(30))
        .then()
    )


def test_erasing_writes_off_a_debt() -> None:
    """Nobody is left to owe it."""
    (
        given(bought("p", 4))
        .when(asks("cat", 4))
        .when(finished("cat", 4))
        .when(refunded("p"))
        .when(leaves())
        .then(a(CreditsExpired, why="erasure", credits=0, debt_written_off=4, draws=()))
        .then_state(debt=0, written_off=4)
    )


def test_a_result_before_the_erasure_is_still_paid() -> None:
    """The first result fixes the settlement, erased or not."""
    (
        given(signed_up(5))
        .when(asks("cat", 3))
        .given(finished("cat", 3), leaves())
        .when(at(1))
        .then(a(CreditsSettled, outcome="completed", captured=3), a(CreditsExpired, credits=2))
    )


def test_what_comes_after_an_erasure_is_written_off_too() -> None:
    """A late purchase is granted and ends; its refund is a debt that is written off."""
    (
        given(leaves())
        .when(at(0))
        .then()
        .when(bought("p", 3))
        .then(a(CreditsGranted), a(CreditsExpired, why="erasure", credits=3))
        .when(refunded("p"))
        .then(a(CreditsRevoked, debt_added=3), a(CreditsExpired, debt_written_off=3))
        .then_state(available=0, debt=0)
    )


def test_an_account_is_erased_once() -> None:
    """A second erasure changes nothing."""
    story = given(signed_up(5), leaves()).when(at(0))
    before = story.account
    assert story.given(leaves()).account is before
