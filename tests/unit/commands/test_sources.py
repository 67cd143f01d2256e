"""Where credits come from and go: grants, refunds, debts, expiries, and the end of an account."""

from __future__ import annotations

from commands.decide import due_at_ms
from events.base import Draw
from events.credits import (
    CreditsExpired,
    CreditsGranted,
    CreditsReserved,
    CreditsRevoked,
    CreditsSettled,
)
from events.fold import freeze
from events.generations import GenerationRejected
from tests.given import (
    MINUTE,
    WELCOME,
    a,
    asks,
    at,
    bought,
    cancels,
    fails,
    finished,
    given,
    refunded,
    signed_up,
    source,
)


def test_a_purchase_is_granted_once() -> None:
    """Told twice by the provider, it is granted once, with its origin and its expiry."""
    (
        given(bought("p", 10, expires=MINUTE), bought("p", 10, expires=MINUTE))
        .when(at(0))
        .then(
            a(
                CreditsGranted,
                source_id=source("p"),
                why="purchase",
                origin="stars",
                credits=10,
                expires_at_ms=at(MINUTE),
            )
        )
        .when(bought("p", 99).after(1))
        .then()
        .then_state(available=10)
    )


def test_the_welcome_is_granted_once() -> None:
    """A second registration, with other figures, grants nothing."""
    story = given(signed_up(5)).when(at(0)).then(a(CreditsGranted, source_id=WELCOME, credits=5))
    story.when(signed_up(500)).then().then_state(granted=5)


def test_no_welcome_is_owed_twice() -> None:
    """Who was welcomed before registers without a grant."""
    given(signed_up(0)).when(at(0)).then().then_state(registered=True, granted=0)


def test_a_purchase_of_nothing_grants_nothing() -> None:
    """Zero credits leave nothing to decide."""
    given(bought("p", 0)).when(at(0)).then().then_state(granted=0)


def test_a_refund_of_unused_credits_leaves_no_debt() -> None:
    """What is there is taken back."""
    (
        given(bought("p", 10))
        .when(at(0))
        .when(refunded("p").after(5))
        .then(
            a(
                CreditsRevoked,
                credits=10,
                draws=(Draw(source("p"), 10),),
                debt_added=0,
                why="refund",
                decided_at_ms=at(5),
            )
        )
        .then_state(available=0, debt=0, granted=0)
    )


def test_a_refund_after_the_credits_are_spent_leaves_a_debt() -> None:
    """The balance never goes below zero; what is missing is owed."""
    (
        given(bought("p", 10))
        .when(asks("cat", 4))
        .when(finished("cat", 4))
        .when(refunded("p"))
        .then(a(CreditsRevoked, credits=10, draws=(Draw(source("p"), 6),), debt_added=4))
        .then_state(available=0, debt=4, spent=4)
    )


def test_a_refund_takes_its_own_grant_first_then_the_order_of_use() -> None:
    """Other credits are touched only for what its own grant no longer has."""
    (
        given(bought("back", 4), bought("soon", 2, expires=MINUTE), bought("never", 2))
        .when(asks("cat", 4).after(0))
        .then_state(available=4)
        .when(refunded("back").after(1))
        .then(
            a(CreditsRevoked, draws=(Draw(source("back"), 2), Draw(source("never"), 2))),
        )
    )


def test_later_credits_pay_the_debt_first() -> None:
    """A grant smaller than the debt leaves nothing to spend; the next one leaves its rest."""
    story = (
        given(bought("p", 10))
        .when(asks("cat", 4))
        .when(finished("cat", 4))
        .when(refunded("p"))
        .when(bought("q", 3))
        .then(a(CreditsGranted, credits=3, debt_paid=3))
        .then_state(available=0, debt=1)
    )
    story.when(bought("r", 3)).then(a(CreditsGranted, credits=3, debt_paid=1)).then_state(
        available=2, debt=0
    )


def test_who_owes_cannot_generate() -> None:
    """In debt nothing is spendable."""
    (
        given(bought("p", 4))
        .when(asks("cat", 4))
        .when(finished("cat", 4))
        .when(refunded("p"))
        .when(asks("dog"))
        .then(a(GenerationRejected, reason="insufficient_credits", credits_available=0))
    )


def test_a_refund_that_comes_first_waits_for_its_purchase() -> None:
    """It decides nothing alone; with its purchase, credits come and go at once."""
    (
        given(refunded("p"))
        .when(at(0))
        .then()
        .when(bought("p", 10))
        .then(a(CreditsGranted, credits=10), a(CreditsRevoked, credits=10, debt_added=0))
        .then_state(available=0, granted=0, debt=0)
    )


def test_one_refund_per_purchase_counts() -> None:
    """A second refund, a chargeback after it, a repetition: no effect."""
    story = given(bought("p", 10)).when(refunded("p")).then(a(CreditsGranted), a(CreditsRevoked))
    story.when(refunded("p", "chargeback", "r2"), refunded("p")).then().then_state(granted=0)


def test_a_chargeback_says_so() -> None:
    """Why the credits leave stands in the decision."""
    given(bought("p", 1), refunded("p", "chargeback")).when(at(0)).then(
        a(CreditsGranted), a(CreditsRevoked, why="chargeback", refund_id="r1")
    )


def test_a_refunded_reservation_still_captures() -> None:
    """Credits refunded while reserved: the picture is paid, and the debt stays."""
    (
        given(bought("p", 4))
        .when(asks("cat", 4))
        .when(refunded("p"))
        .then_state(debt=4)
        .when(finished("cat", 3, 1))
        .then(a(CreditsSettled, captured=3, returned=1, debt_paid=1))
        .then_state(debt=3, available=0, spent=3)
    )


def test_credits_end_with_their_grant() -> None:
    """At the expiry, and not a millisecond earlier, what is left ends."""
    story = given(signed_up(5, expires=1000)).when(at(999)).then(a(CreditsGranted))
    story.when(at(1000)).then(
        a(CreditsExpired, why="expiry", credits=5, draws=(Draw(WELCOME, 5),))
    ).then_state(available=0, expired=5)


def test_a_grant_that_is_over_when_it_comes_ends_at_once() -> None:
    """It still pays a debt first."""
    (
        given(bought("p", 2))
        .when(asks("cat", 2))
        .when(finished("cat", 2))
        .when(refunded("p"))
        .given(bought("late", 5, expires=10).after(20))
        .when(at(20))
        .then(a(CreditsGranted, debt_paid=2), a(CreditsExpired, credits=3))
    )


def test_expiries_are_decided_one_by_one_in_order() -> None:
    """Each ended grant has its own event, the sooner first."""
    (
        given(bought("second", 2, expires=2000), bought("first", 1, expires=1000))
        .when(at(0))
        .when(at(3000))
        .then(
            a(CreditsExpired, credits=1, decided_at_ms=at(1000)),
            a(CreditsExpired, credits=2, decided_at_ms=at(2000)),
        )
    )


def test_what_time_alone_will_make_due_is_known() -> None:
    """The nearest of the deadlines without a result and the expiries with credits; else never."""
    story = given(signed_up(5, expires=20 * MINUTE)).when(at(0))
    assert due_at_ms(story.account) == at(20 * MINUTE)
    story.when(asks("cat", 5).after(0)).then(a(CreditsReserved))
    assert due_at_ms(story.account) == at(10 * MINUTE)
    story.given(fails("cat").after(1))
    assert due_at_ms(story.account) is None  # the result is due at once, the grant is empty
    story.when(at(2))
    assert due_at_ms(story.account) == at(20 * MINUTE)
    story.when(at(20 * MINUTE)).then(a(CreditsExpired))
    assert due_at_ms(story.account) is None


def test_a_frozen_account_waits_for_nothing() -> None:
    """Frozen, it has no timers: one in the past would fire for ever."""
    story = given(signed_up(5, expires=10)).when(at(0))
    assert due_at_ms(freeze(story.account, "test")) is None


def test_a_cancellation_before_the_admission_waits_to_be_told_again() -> None:
    """It has no effect yet; the job that finds the claim cancelled appends it once more."""
    (
        given(signed_up(5), asks("cat", 2), cancels("cat"))
        .when(at(0))
        .then(a(CreditsGranted), a(CreditsReserved))
        .when(cancels("cat"))
        .then(a(CreditsSettled, outcome="cancelled", returned=2))
    )
