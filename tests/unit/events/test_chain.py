"""Which decisions count: each way to be void, from a correct decision with one thing changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from commands.decide import decide
from events.base import Decision, Draw, Posting
from events.chain import Void, judge
from events.codec import encode
from events.credits import (
    CreditsExpired,
    CreditsGranted,
    CreditsReserved,
    CreditsRevoked,
    CreditsSettled,
)
from events.fold import apply
from events.generations import GenerationRejected
from events.recorded import record
from events.state import Account
from tests.given import (
    MINUTE,
    Story,
    asks,
    at,
    bought,
    fails,
    finished,
    generation,
    given,
    leaves,
    refunded,
    source,
)

_OTHER = "f" * 64


def _grant() -> Story:
    return given(bought("p", 10, expires=MINUTE))


def _grant_in_debt() -> Story:
    story = given(bought("a", 4)).when(asks("cat", 4)).when(finished("cat", 4)).when(refunded("a"))
    return story.given(bought("p", 10))


def _reserve() -> Story:
    story = given(bought("old", 2, expires=5), bought("p", 3), bought("q", 3)).when(at(0))
    return story.given(asks("cat", 4).after(3))


def _reject() -> Story:
    return given(asks("cat", 4))


def _settle() -> Story:
    story = given(bought("soon", 2, expires=MINUTE), bought("p", 3)).when(asks("cat", 5).after(0))
    return story.given(finished("cat", 1, 4).after(2 * MINUTE))


def _settle_in_debt() -> Story:
    story = given(bought("p", 5)).when(asks("cat", 4)).when(refunded("p"))
    return story.given(fails("cat"))


def _time_out() -> Story:
    return given(bought("p", 5)).when(asks("cat", 4).after(0))


def _revoke() -> Story:
    story = given(bought("p", 5), bought("q", 1)).when(asks("cat", 5)).when(finished("cat", 3, 2))
    return story.given(refunded("p"))


def _expire() -> Story:
    return given(bought("p", 5, expires=MINUTE), bought("q", 5, expires=2 * MINUTE)).when(at(0))


def _write_off() -> Story:
    return given(bought("p", 5), bought("q", 5)).when(at(0)).given(leaves())


def _due(story: Story, now_ms: int) -> Any:
    decided = decide(story.account, now_ms)
    assert decided is not None
    return decided.event


_LATER = at(3 * MINUTE)
_SOON = at(10)
_STORIES: dict[str, tuple[Callable[[], Story], int, type[Decision]]] = {
    "grant": (_grant, _SOON, CreditsGranted),
    "grant in debt": (_grant_in_debt, _SOON, CreditsGranted),
    "reserve": (_reserve, at(3), CreditsReserved),
    "reject": (_reject, _SOON, GenerationRejected),
    "settle": (_settle, _LATER, CreditsSettled),
    "settle in debt": (_settle_in_debt, _SOON, CreditsSettled),
    "time out": (_time_out, at(10 * MINUTE), CreditsSettled),
    "revoke": (_revoke, _SOON, CreditsRevoked),
    "expire": (_expire, _LATER, CreditsExpired),
    "write off": (_write_off, _SOON, CreditsExpired),
}


def _told(name: str) -> tuple[Account, Any]:
    begin, now_ms, kind = _STORIES[name]
    story = begin()
    event = _due(story, now_ms)
    assert type(event) is kind
    return story.account, event


@pytest.mark.parametrize("name", _STORIES)
def test_a_correct_decision_counts(name: str) -> None:
    """What `decide` says counts, so that what follows here is void for what was changed."""
    account, event = _told(name)
    assert judge(account, event) is None


@pytest.mark.parametrize("name", _STORIES)
@pytest.mark.parametrize(
    ("change", "void"),
    [
        ({"previous_hash": _OTHER}, Void.OTHER_CHAIN),
        ({"sequence": 99}, Void.OTHER_CHAIN),
        ({"cause_hash": _OTHER}, Void.CONTRADICTS_FACT),
        ({"decided_at_ms": 1}, Void.CONTRADICTS_FACT),
        ({"postings": (Posting("user:available", 1),)}, Void.IMPOSSIBLE),
        (
            {"postings": (Posting("user:available", -3), Posting("pixelpop:earned", 3))},
            Void.IMPOSSIBLE,
        ),
    ],
)
def test_every_decision_names_its_place_its_cause_its_time_and_its_postings(
    name: str, change: dict[str, Any], void: Void
) -> None:
    """Another chain, other bytes, another time, or postings that say something else: void."""
    account, event = _told(name)
    assert judge(account, replace(event, **change)) is void


@pytest.mark.parametrize("name", [name for name in _STORIES if name != "reject"])
def test_a_decision_without_its_postings_is_void(name: str) -> None:
    """Nothing moves that the books do not show."""
    account, event = _told(name)
    assert judge(account, replace(event, postings=())) is Void.IMPOSSIBLE


@pytest.mark.parametrize("name", _STORIES)
def test_a_decision_taken_twice_counts_once(name: str) -> None:
    """The second copy continues what is no longer the end of the chain."""
    account, event = _told(name)
    copy = record(event, encode(event), _LATER)
    after, void = apply(account, copy)
    assert void is None
    again, void = apply(after, copy)
    assert (void, again is after) == (Void.OTHER_CHAIN, True)


@pytest.mark.parametrize("name", _STORIES)
def test_what_is_decided_is_not_decided_again_on_a_newer_chain(name: str) -> None:
    """The key of a decision is spent, whatever chain the next one continues."""
    account, event = _told(name)
    after, _ = apply(account, record(event, encode(event), _LATER))
    again = replace(event, previous_hash=after.head, sequence=after.sequence + 1)
    assert judge(after, again) is Void.NOTHING_TO_DECIDE


_FIELDS: list[tuple[str, dict[str, Any], Void]] = [
    ("grant", {"source_id": source("unheard")}, Void.NOTHING_TO_DECIDE),
    ("grant", {"credits": 11}, Void.CONTRADICTS_FACT),
    ("grant", {"why": "welcome"}, Void.CONTRADICTS_FACT),
    ("grant", {"origin": "local"}, Void.CONTRADICTS_FACT),
    ("grant", {"expires_at_ms": None}, Void.CONTRADICTS_FACT),
    ("grant", {"debt_paid": 1}, Void.IMPOSSIBLE),
    ("grant in debt", {"debt_paid": 0}, Void.IMPOSSIBLE),
    ("grant in debt", {"debt_paid": 3}, Void.IMPOSSIBLE),
    ("reserve", {"generation_id": generation("unheard")}, Void.NOTHING_TO_DECIDE),
    ("reserve", {"credits": 3}, Void.IMPOSSIBLE),
    ("reserve", {"credits": 0, "draws": (), "postings": ()}, Void.IMPOSSIBLE),
    ("reserve", {"price": 0}, Void.IMPOSSIBLE),
    ("reserve", {"draws": ()}, Void.IMPOSSIBLE),
    ("reserve", {"draws": (Draw(source("p"), 4),)}, Void.IMPOSSIBLE),
    ("reserve", {"draws": (Draw(source("p"), 2), Draw(source("p"), 2))}, Void.IMPOSSIBLE),
    ("reserve", {"draws": (Draw(source("p"), 5), Draw(source("q"), -1))}, Void.IMPOSSIBLE),
    ("reserve", {"draws": (Draw(source("p"), 3), Draw("nobody", 1))}, Void.IMPOSSIBLE),
    ("reject", {"generation_id": generation("unheard")}, Void.NOTHING_TO_DECIDE),
    ("settle", {"generation_id": generation("unheard")}, Void.NOTHING_TO_DECIDE),
    ("settle", {"outcome": "failed"}, Void.CONTRADICTS_FACT),
    ("settle", {"outcome": "timed_out"}, Void.CONTRADICTS_FACT),
    ("settle", {"captured": 2, "returned": 3}, Void.CONTRADICTS_FACT),
    ("settle", {"returned": 5}, Void.IMPOSSIBLE),
    ("settle", {"expired": 0}, Void.IMPOSSIBLE),
    ("settle", {"returns": ()}, Void.IMPOSSIBLE),
    ("settle", {"returns": (Draw(source("soon"), 3),)}, Void.IMPOSSIBLE),
    ("settle", {"returns": (Draw(source("p"), 4), Draw(source("p"), -1))}, Void.IMPOSSIBLE),
    ("settle", {"returns": (Draw(source("p"), 1), Draw(source("p"), 2))}, Void.IMPOSSIBLE),
    ("settle in debt", {"debt_paid": 0}, Void.IMPOSSIBLE),
    ("settle in debt", {"debt_paid": 3}, Void.IMPOSSIBLE),
    ("time out", {"outcome": "completed", "captured": 4, "returned": 0}, Void.CONTRADICTS_FACT),
    ("time out", {"outcome": "erased"}, Void.CONTRADICTS_FACT),
    ("time out", {"decided_at_ms": at(10 * MINUTE) - 1}, Void.CONTRADICTS_FACT),
    ("revoke", {"source_id": source("q")}, Void.NOTHING_TO_DECIDE),
    ("revoke", {"refund_id": "r2"}, Void.CONTRADICTS_FACT),
    ("revoke", {"why": "chargeback"}, Void.CONTRADICTS_FACT),
    ("revoke", {"credits": 3}, Void.CONTRADICTS_FACT),
    ("revoke", {"debt_added": 0}, Void.IMPOSSIBLE),
    ("revoke", {"debt_added": 5, "draws": ()}, Void.IMPOSSIBLE),
    ("revoke", {"draws": ()}, Void.IMPOSSIBLE),
    ("expire", {"draws": (Draw("nobody", 5),)}, Void.NOTHING_TO_DECIDE),
    ("expire", {"draws": (Draw(source("q"), 5),)}, Void.CONTRADICTS_FACT),
    ("expire", {"draws": ()}, Void.NOTHING_TO_DECIDE),
    ("expire", {"draws": (Draw(source("p"), 4),), "credits": 4}, Void.IMPOSSIBLE),
    ("expire", {"debt_written_off": 1}, Void.IMPOSSIBLE),
    ("expire", {"why": "erasure"}, Void.NOTHING_TO_DECIDE),
    ("write off", {"credits": 5, "draws": (Draw(source("p"), 5),)}, Void.IMPOSSIBLE),
    ("write off", {"debt_written_off": 1}, Void.IMPOSSIBLE),
    ("write off", {"draws": ()}, Void.IMPOSSIBLE),
]


@pytest.mark.parametrize(("name", "change", "void"), _FIELDS)
def test_a_decision_that_says_something_else_is_void(
    name: str, change: dict[str, Any], void: Void
) -> None:
    """One changed field, and every reader passes the decision over, for the same reason."""
    account, event = _told(name)
    assert judge(account, replace(event, **change)) is void


def test_nothing_is_drawn_from_a_grant_that_had_ended() -> None:
    """An ended grant whose expiry nobody decided yet pays for nothing."""
    story = given(bought("old", 2, expires=5), bought("p", 3)).when(at(0))
    story.given(asks("cat", 2).after(5))
    event = _due(given(bought("old", 2), bought("p", 3)).when(at(0)).given(asks("cat", 2)), at(5))
    drawn_on_old = replace(
        event,
        previous_hash=story.account.head,
        sequence=story.account.sequence + 1,
        cause_hash=story.log[-1].value_hash,
        decided_at_ms=at(5),
    )
    assert drawn_on_old.draws == (Draw(source("old"), 2),)
    assert judge(story.account, drawn_on_old) is Void.IMPOSSIBLE


def test_an_admission_behind_an_erasure_is_void() -> None:
    """A decider that had not read the erasure yet admits nobody."""
    story = _reserve()
    admitted = _due(story, at(3))
    story.given(leaves())
    assert judge(story.account, admitted) is Void.CONTRADICTS_FACT


def test_a_time_out_behind_a_result_is_void() -> None:
    """A deadline does not beat a finished picture that stands before it in the log."""
    story = _time_out()
    timed_out = _due(story, at(10 * MINUTE))
    story.given(finished("cat", 4).after(10 * MINUTE))
    assert judge(story.account, timed_out) is Void.CONTRADICTS_FACT


def test_a_refund_changes_nothing_for_a_grant_in_flight() -> None:
    """A fact that does not contradict a decision does not void it."""
    story = _grant()
    granted = _due(story, _SOON)
    story.given(refunded("p"))
    assert judge(story.account, granted) is None


def test_a_void_decision_leaves_the_very_same_state() -> None:
    """Void: kept in the log, without effect."""
    account, event = _told("settle")
    wrong = replace(event, cause_hash=_OTHER)
    after, void = apply(account, record(wrong, encode(wrong), _LATER))
    assert void is Void.CONTRADICTS_FACT
    assert after is account
