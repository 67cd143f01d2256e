"""How facts fold: duplicates, windows, what is remembered, and what a frozen account ignores."""

from __future__ import annotations

import pytest

from events.codec import encode
from events.credits import CreditsGranted, CreditsReserved
from events.fold import apply, evolve, freeze
from events.fold_decisions import REMEMBER_MS
from events.fold_facts import REQUEST_WINDOW_MS
from events.generations import GenerationRejected, GenerationStarted
from events.recorded import record
from events.state import Pending
from tests.given import (
    ACCOUNT,
    DAY,
    HOUR,
    MINUTE,
    START_MS,
    Told,
    a,
    asks,
    at,
    bought,
    fails,
    finished,
    generation,
    given,
    leaves,
    refunded,
    signed_up,
)


@pytest.mark.parametrize(
    "fact",
    [signed_up(5), bought("p", 5), refunded("p"), asks("cat"), leaves()],
)
def test_a_fact_told_twice_is_told_once(fact: Told) -> None:
    """The second copy leaves the very same state, before and after it was decided."""
    story = given(fact)
    once = story.account
    assert story.given(fact).account is once
    story.when(at(0))
    decided = story.account
    assert story.given(fact).account is decided


def test_a_result_told_twice_is_told_once() -> None:
    """Before and after the settlement."""
    story = given(signed_up(5)).when(asks("cat", 2)).given(finished("cat", 2))
    once = story.account
    assert story.given(finished("cat", 2), fails("cat")).account is once


def test_the_first_request_with_an_id_counts() -> None:
    """The same key with another body, later in the log, is not there."""
    story = given(signed_up(5), asks("cat", 1), asks("cat", 4)).when(at(0))
    story.then(a(CreditsGranted), a(CreditsReserved, credits=1))


@pytest.mark.parametrize("off_ms", [REQUEST_WINDOW_MS, -REQUEST_WINDOW_MS])
def test_a_request_within_the_hour_counts(off_ms: int) -> None:
    """Exactly one hour between its own time and its append time is still in time."""
    story = given(asks("cat").after(2 * HOUR).appended(2 * HOUR + off_ms))
    assert isinstance(story.account.open[generation("cat")], Pending)


@pytest.mark.parametrize("off_ms", [REQUEST_WINDOW_MS + 1, -REQUEST_WINDOW_MS - 1])
def test_a_request_beyond_the_hour_does_not(off_ms: int) -> None:
    """A retry that was buffered for longer is not a request any more, nor is one from ahead."""
    story = given(asks("cat").after(2 * HOUR).appended(2 * HOUR + off_ms))
    assert story.account.open == {}


def test_a_key_is_remembered_for_a_day_at_least() -> None:
    """Whenever the halves of the memory turn, a closed key is known 24 h later."""
    for lead_ms in (0, 1, REMEMBER_MS // 2, REMEMBER_MS - 1, REMEMBER_MS, REMEMBER_MS + 1):
        story = given(signed_up(100)).when(asks("first").after(0)).when(fails("first").after(0))
        story.when(asks("cat").after(lead_ms)).when(fails("cat").after(lead_ms))
        for step in range(1, 25):
            name = f"other-{step}"
            story.when(asks(name).after(lead_ms + step * HOUR - 1))
            story.when(fails(name).after(lead_ms + step * HOUR - 1))
        before = story.account
        assert story.given(asks("cat").after(lead_ms + DAY - 1)).account is before


def test_keys_are_forgotten_after_two_days_of_use() -> None:
    """The memory is bounded: what closed long ago makes room."""
    story = given(signed_up(100))
    for day in range(4):
        story.when(asks(f"cat-{day}").after(day * DAY)).when(fails(f"cat-{day}").after(day * DAY))
    account = story.account
    assert account.how_closed(generation("cat-0")) is None
    assert account.how_closed(generation("cat-3")) == "failed"
    assert len(account.closed) + len(account.closed_earlier) == 2


def test_a_rejected_key_is_remembered_too() -> None:
    """A retry of a refused request is the same refused request."""
    story = given(asks("cat")).when(at(0)).then(a(GenerationRejected))
    assert story.account.how_closed(generation("cat")) == "rejected"
    story.when(asks("cat").after(1)).then()


def test_an_open_key_is_known_however_old_it_is() -> None:
    """While it is open, the same key is the same request."""
    story = given(signed_up(5)).when(asks("cat").after(0))
    before = story.account
    assert story.given(asks("cat").after(3 * DAY)).account is before


def test_purchases_are_remembered_for_ever() -> None:
    """A provider that repeats itself after a year grants nothing."""
    story = given(bought("p", 5)).when(at(0)).when(refunded("p").after(MINUTE))
    story.when(bought("p", 5).after(365 * DAY), refunded("p").after(366 * DAY)).then()


def test_events_about_pictures_do_not_touch_credits() -> None:
    """What the ledger has no use for leaves the very same state."""
    story = given(signed_up(5)).when(asks("cat"))
    before = story.account
    started = GenerationStarted(
        account_id=ACCOUNT,
        occurred_at_ms=START_MS,
        generation_id=generation("cat"),
        attempt=1,
        provider="local",
    )
    story.append(started)
    assert story.account is before


def test_a_frozen_account_follows_nothing() -> None:
    """Neither facts nor decisions move it, and the first reason stays."""
    story = given(signed_up(5))
    frozen = freeze(story.account, "unreadable at offset 7")
    assert freeze(frozen, "another").frozen == "unreadable at offset 7"
    for event in (bought("p", 5).event, asks("cat").event):
        one = record(event, encode(event), at(0))
        assert apply(frozen, one) == (frozen, None)
        assert evolve(frozen, one) is frozen


def test_a_grant_used_up_is_forgotten_once_nothing_can_return_to_it() -> None:
    """The state of a busy account does not grow with every purchase it made."""
    story = given(bought("p", 2)).when(asks("cat", 2))
    assert len(story.account.grants) == 1  # the reservation may return to it
    story.when(finished("cat", 2))
    assert not story.account.grants
