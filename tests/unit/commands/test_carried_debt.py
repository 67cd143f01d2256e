"""What an erased account owed: the person's next account owes it, and nobody is charged twice."""

from __future__ import annotations

from events.accounts import DebtCarried
from events.credits import CreditsExpired, CreditsGranted, CreditsRevoked
from tests.given import ACCOUNT, START_MS, Told, a, bought, given, leaves, signed_up, source


def owes(name: str, credits: int) -> Told:  # noqa: A002  the field's name
    """The eraser tells of a debt."""
    event = DebtCarried(
        account_id=ACCOUNT, occurred_at_ms=START_MS, source_id=source(name), credits=credits
    )
    return Told(event)


def test_a_new_account_begins_with_the_debt() -> None:
    """Nothing can be spent before it is paid, and the next credits pay it."""
    (
        given(signed_up(0))
        .when(owes("old", 7))
        .then(a(CreditsRevoked, why="carried_debt", credits=7, debt_added=7, draws=()))
        .then_state(available=0, debt=7)
        .when(bought("p", 10))
        .then(a(CreditsGranted, debt_paid=7))
        .then_state(available=3, debt=0)
    )


def test_credits_that_are_there_pay_at_once() -> None:
    """A debt that turns up late takes what is available, and the rest is owed."""
    (
        given(bought("p", 5))
        .when(owes("old", 7))
        .then(
            a(CreditsGranted, credits=5),
            a(CreditsRevoked, credits=7, debt_added=2),
        )
        .then_state(available=0, debt=2)
    )


def test_a_debt_told_twice_is_owed_once() -> None:
    """The eraser may repeat itself after a crash."""
    story = given(signed_up(0)).when(owes("old", 7))
    before = story.account
    assert story.given(owes("old", 7)).account is before
    story.when(owes("older", 1)).then_state(debt=8)


def test_a_debt_outlives_the_next_account_too() -> None:
    """Erased again, it is written off again, for the eraser to carry on."""
    (
        given(signed_up(0))
        .when(owes("old", 7))
        .when(leaves())
        .then(a(CreditsExpired, why="erasure", debt_written_off=7))
        .then_state(debt=0, written_off=7)
    )
