"""How a reservation ends: captured, returned, expired, or used to pay a debt."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from events.base import Draw
from events.credits import CreditsExpired, CreditsGranted, CreditsReserved, CreditsSettled
from tests.given import (
    MINUTE,
    Story,
    Told,
    a,
    asks,
    at,
    bought,
    cancels,
    fails,
    finished,
    generation,
    given,
    refunded,
    signed_up,
    source,
)


def _reserved(count: int = 4, credits: int = 5) -> Story:  # noqa: A002  the field's name
    return given(signed_up(credits)).when(asks("cat", count).after(0))


def test_what_is_delivered_is_captured() -> None:
    """Four of four pictures capture the whole reservation."""
    (
        _reserved()
        .when(finished("cat", 4).after(1000))
        .then(
            a(
                CreditsSettled,
                outcome="completed",
                captured=4,
                returned=0,
                returns=(),
                decided_at_ms=at(1000),
            )
        )
        .then_state(available=1, reserved=0, spent=4)
    )


def test_a_partial_delivery_captures_only_its_part() -> None:
    """Three of four pictures capture 3 and return 1."""
    (
        _reserved()
        .when(finished("cat", 3, failed=1))
        .then(a(CreditsSettled, outcome="completed", captured=3, returned=1))
        .then_state(available=2, reserved=0, spent=3)
    )


def test_a_provider_that_makes_too_many_is_not_paid_by_the_customer() -> None:
    """More pictures than asked for capture no more than was reserved."""
    _reserved(2).when(finished("cat", 4)).then(a(CreditsSettled, captured=2, returned=0))


def test_a_picture_that_is_listed_twice_is_paid_once() -> None:
    """A worker that repeats an image in its result charges nobody twice."""
    event: Any = finished("cat", 2).event
    twice = Told(replace(event, images=event.images * 2))
    _reserved().when(twice).then(a(CreditsSettled, captured=2, returned=2))


@pytest.mark.parametrize(
    ("result", "outcome"),
    [(fails("cat"), "failed"), (cancels("cat"), "cancelled"), (finished("cat", 0), "failed")],
)
def test_no_picture_no_charge(result: Told, outcome: str) -> None:
    """A failure, a cancellation and a result without pictures return everything."""
    (
        _reserved()
        .when(result)
        .then(a(CreditsSettled, outcome=outcome, captured=0, returned=4))
        .then_state(available=5, reserved=0, spent=0)
    )


def test_the_first_result_in_the_log_fixes_the_settlement() -> None:
    """A completion after a failure that nobody settled yet changes nothing."""
    (
        _reserved()
        .given(fails("cat"), finished("cat", 4))
        .when(at(1))
        .then(a(CreditsSettled, outcome="failed", captured=0))
        .then_state(available=5)
    )


def test_no_result_by_the_deadline_returns_everything() -> None:
    """At the deadline, and not a millisecond earlier, the reservation times out."""
    story = _reserved().when(at(10 * MINUTE - 1)).then()
    story.when(at(10 * MINUTE)).then(
        a(CreditsSettled, outcome="timed_out", returned=4, decided_at_ms=at(10 * MINUTE))
    ).then_state(available=5)


def test_a_finished_picture_beats_the_deadline_that_nobody_decided() -> None:
    """A result that stands in the log before the settlement counts, however late it is."""
    (
        _reserved()
        .given(finished("cat", 4).after(11 * MINUTE))
        .when(at(12 * MINUTE))
        .then(a(CreditsSettled, outcome="completed", captured=4))
    )


@pytest.mark.parametrize("late", [finished("cat", 4), fails("cat"), cancels("cat")])
def test_a_result_after_the_settlement_has_no_effect(late: Told) -> None:
    """The state is the very same object before and after."""
    story = _reserved().when(at(10 * MINUTE))
    before = story.account
    story.when(late.after(11 * MINUTE)).then()
    assert story.account is before


def test_a_result_without_a_reservation_has_no_effect() -> None:
    """Neither an unknown generation nor an undecided one takes a result."""
    story = given(signed_up(5), asks("cat"))
    before = story.account
    story.given(finished("cat", 1), finished("dog", 1), cancels("cat"))
    assert story.account is before


def test_capture_takes_from_what_ends_first() -> None:
    """What returns is what had the longest to live."""
    (
        given(bought("never", 2), bought("soon", 2, expires=10_000))
        .when(asks("cat", 4).after(0))
        .when(finished("cat", 3).after(1))
        .then(a(CreditsSettled, captured=3, returns=(Draw(source("never"), 1),)))
    )


def test_what_returns_to_an_ended_grant_ends_with_it() -> None:
    """Returned after the expiry of its grant, a credit expires; the rest is spendable."""
    (
        given(bought("soon", 2, expires=1000), bought("never", 2))
        .when(asks("cat", 4).after(0))
        .when(fails("cat").after(1000))
        .then(a(CreditsSettled, returned=4, expired=2, returns=(Draw(source("never"), 2),)))
        .then_state(available=2, expired=2)
    )


def test_what_returns_before_the_expiry_lives_until_then() -> None:
    """It is spendable again, and the expiry ends it."""
    (
        given(bought("soon", 2, expires=1000))
        .when(asks("cat", 2).after(0))
        .when(fails("cat").after(999))
        .then(a(CreditsSettled, expired=0, returns=(Draw(source("soon"), 2),)))
        .when(at(1000))
        .then(a(CreditsExpired, credits=2))
        .then_state(available=0, expired=2)
    )


def test_whether_it_expired_is_told_by_the_result_not_by_the_decider() -> None:
    """A decider that is late returns what was in time, and then ends it."""
    (
        given(bought("soon", 2, expires=1000))
        .when(asks("cat", 2).after(0))
        .given(fails("cat").after(999))
        .when(at(5000))
        .then(
            a(CreditsSettled, expired=0, returns=(Draw(source("soon"), 2),)),
            a(CreditsExpired, credits=2, decided_at_ms=at(1000)),
        )
    )


def test_a_return_pays_a_debt_first() -> None:
    """Credits whose money went back while they were reserved do not become spendable."""
    (
        given(bought("p", 5))
        .when(asks("cat", 3))
        .when(refunded("p"))
        .then_state(available=0, debt=3)
        .when(fails("cat"))
        .then(a(CreditsSettled, returned=3, debt_paid=3, returns=()))
        .then_state(available=0, debt=0)
    )


def test_a_debt_is_paid_from_what_would_expire_anyway() -> None:
    """Of what returns, the ended grant pays the debt; the living one is kept."""
    (
        given(bought("soon", 2, expires=1000), bought("never", 2), bought("back", 1))
        .when(asks("cat", 4).after(0))
        .when(asks("dog", 1).after(0))
        .when(finished("dog", 1).after(0))
        .when(refunded("back").after(1))
        .then_state(debt=1)
        .when(fails("cat").after(1000))
        .then(
            a(CreditsSettled, debt_paid=1, expired=1, returns=(Draw(source("never"), 2),)),
        )
    )


def test_a_settled_generation_is_remembered() -> None:
    """How it ended is known by its id."""
    story = _reserved().when(finished("cat", 4))
    assert story.account.how_closed(generation("cat")) == "completed"


def test_two_generations_settle_each_by_its_own_result() -> None:
    """One failure does not touch the other reservation."""
    (
        given(signed_up(5))
        .when(asks("cat", 2), asks("dog", 2))
        .then(a(CreditsGranted), a(CreditsReserved), a(CreditsReserved))
        .when(fails("dog"))
        .then(a(CreditsSettled, generation_id=generation("dog"), returned=2))
        .then_state(reserved=2, available=3)
    )
