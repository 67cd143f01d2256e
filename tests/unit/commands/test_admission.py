"""Who is admitted, what it costs, and every reason to say no."""

from __future__ import annotations

import pytest

from commands.policy import Policy
from events.base import Draw
from events.credits import CreditsExpired, CreditsGranted, CreditsReserved, CreditsRevoked
from events.generations import GenerationRejected
from tests.given import (
    MINUTE,
    SECOND,
    WELCOME,
    Told,
    a,
    asks,
    at,
    bought,
    generation,
    given,
    leaves,
    refunded,
    signed_up,
    source,
)


def test_an_affordable_request_is_admitted_at_its_price() -> None:
    """A request that the balance covers sets its whole price aside until its deadline."""
    (
        given(signed_up(5))
        .when(at(0))
        .then(a(CreditsGranted, credits=5, why="welcome", origin="welcome"))
        .when(asks("cat", 3).after(10 * SECOND))
        .then(
            a(
                CreditsReserved,
                generation_id=generation("cat"),
                credits=3,
                price=1,
                draws=(Draw(WELCOME, 3),),
                decided_at_ms=at(10 * SECOND),
                deadline_ms=at(10 * SECOND + 10 * MINUTE),
            )
        )
        .then_state(available=2, reserved=3, spent=0)
    )


def test_the_deadline_counts_from_the_append() -> None:
    """A late decider does not give a request more time."""
    (
        given(signed_up(5), asks("cat").after(0))
        .when(at(9 * MINUTE))
        .then(
            a(CreditsGranted), a(CreditsReserved, decided_at_ms=at(0), deadline_ms=at(10 * MINUTE))
        )
    )


def test_a_dearer_quality_costs_more() -> None:
    """The price is per picture, by model and quality."""
    (
        given(bought("p", 20))
        .when(asks("poster", 3, model="gpt-image", quality="high"))
        .then(a(CreditsGranted), a(CreditsReserved, credits=15, price=5))
    )


def test_a_request_beyond_the_balance_is_refused_with_both_figures() -> None:
    """What is missing is told; nothing is charged."""
    (
        given(signed_up(2))
        .when(asks("cat", 3))
        .then(
            a(CreditsGranted),
            a(
                GenerationRejected,
                reason="insufficient_credits",
                credits_needed=3,
                credits_available=2,
                postings=(),
            ),
        )
        .then_state(available=2, reserved=0)
    )


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (asks("x", model="imaginary"), "unavailable"),
        (asks("x", quality="imaginary"), "unavailable"),
        (asks("x", count=0), "unavailable"),
        (asks("x", prohibited="minors"), "prohibited"),
        (asks("x", over_budget=True), "over_budget"),
    ],
)
def test_what_is_not_for_sale_or_not_allowed_is_refused(ask: Told, reason: str) -> None:
    """Unknown models, nothing at all, and prohibited prompts are refused whatever the balance."""
    given(signed_up(5)).when(ask).then(
        a(CreditsGranted), a(GenerationRejected, reason=reason)
    ).then_state(available=5)


def test_a_prohibited_request_names_the_rule() -> None:
    """The rule id that the gateway found stands in the decision."""
    given(asks("x", prohibited="minors")).when(at(0)).then(a(GenerationRejected, rule_id="minors"))


@pytest.mark.parametrize(
    ("history", "ask", "tier"),
    [
        ([signed_up(5)], asks("x"), "free"),
        ([bought("pack", 5)], asks("x"), "paid"),
        ([signed_up(2), bought("pack", 5)], asks("x", 3), "paid"),
        ([signed_up(5), bought("pack", 5)], asks("x", 3), "free"),
        ([signed_up(5)], asks("x", via_api=True), "api"),
    ],
)
def test_what_pays_says_how_the_job_shares_the_workers(
    history: list[Told], ask: Told, tier: str
) -> None:
    """An API key before all; else whether bought credits are among those drawn on."""
    story = given(*history).when(ask)
    assert story.account.open[generation("x")].tier == tier


def test_a_price_of_nothing_is_not_for_sale() -> None:
    """A model whose price is 0 is refused; a reservation of nothing would be void for ever."""
    policy = Policy(price=lambda *_: 0)
    given(signed_up(5), policy=policy).when(asks("x")).then(
        a(CreditsGranted), a(GenerationRejected, reason="unavailable")
    )


def test_a_request_that_nobody_decided_in_time_is_refused() -> None:
    """Undecided at its deadline: rejected, and nothing is charged."""
    (
        given(signed_up(5), asks("cat").after(0))
        .when(at(10 * MINUTE))
        .then(a(CreditsGranted), a(GenerationRejected, reason="timed_out"))
        .then_state(available=5)
    )


def test_an_erased_account_is_admitted_nothing() -> None:
    """After the erasure every request is refused, however much is left."""
    story = given(signed_up(5), leaves()).when(at(0))
    story.when(asks("cat")).then(a(GenerationRejected, reason="account_erased"))


def test_credits_that_are_due_count_before_the_request_does() -> None:
    """A purchase that stands in the log is granted before a request is refused for credits."""
    given(asks("cat", 4), bought("p", 4)).when(at(0)).then(
        a(CreditsGranted, credits=4), a(CreditsReserved, credits=4)
    )


def test_the_soonest_expiry_is_used_first() -> None:
    """Of three grants, the one that ends soonest pays first, the one that never ends last."""
    (
        given(bought("never", 2), bought("late", 2, expires=2000), bought("soon", 2, expires=1000))
        .when(at(0))
        .when(asks("cat", 5).after(1))
        .then(
            a(
                CreditsReserved,
                draws=(Draw(source("soon"), 2), Draw(source("late"), 2), Draw(source("never"), 1)),
            )
        )
    )


def test_promotional_credits_are_used_before_purchased_ones() -> None:
    """With the same expiry, what was given is used before what was paid."""
    (
        given(bought("paid", 3), signed_up(3))
        .when(at(0))
        .when(asks("cat", 4))
        .then(a(CreditsReserved, draws=(Draw(WELCOME, 3), Draw(source("paid"), 1))))
    )


def test_the_older_grant_is_used_first() -> None:
    """With everything else equal, the older grant pays."""
    (
        given(bought("first", 3))
        .when(at(0))
        .when(bought("second", 3))
        .when(asks("cat", 4))
        .then(a(CreditsReserved, draws=(Draw(source("first"), 3), Draw(source("second"), 1))))
    )


def test_a_grant_that_ended_before_the_request_does_not_pay() -> None:
    """What had expired when the request was appended is expired first and not drawn on."""
    (
        given(signed_up(5, expires=1000))
        .when(at(0))
        .given(asks("cat").after(1000))
        .when(at(1001))
        .then(
            a(CreditsExpired, credits=5, decided_at_ms=at(1000)),
            a(GenerationRejected, reason="insufficient_credits"),
        )
    )


def test_a_grant_that_ends_after_the_request_pays_however_late_the_decider_is() -> None:
    """A request is decided as of its append: a slow decider takes nothing away."""
    (
        given(signed_up(5, expires=1000))
        .when(at(0))
        .given(asks("cat", 2).after(999))
        .when(at(5000))
        .then(
            a(CreditsReserved, credits=2, decided_at_ms=at(999)),
            a(CreditsExpired, credits=3, decided_at_ms=at(1000)),
        )
    )


def test_a_revocation_that_is_due_comes_before_the_request() -> None:
    """Credits whose money went back cannot be spent first."""
    (
        given(bought("p", 5))
        .when(at(0))
        .given(asks("cat"), refunded("p"))
        .when(at(1))
        .then(a(CreditsRevoked, credits=5), a(GenerationRejected, reason="insufficient_credits"))
    )


def test_nothing_is_decided_twice() -> None:
    """When everything is decided, asking again decides nothing."""
    given(signed_up(5), asks("cat")).when(at(0)).when(at(1)).then()
