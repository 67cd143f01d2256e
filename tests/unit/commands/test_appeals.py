"""A refusal that an appeal overturned does not stand in the way of the same request again."""

from __future__ import annotations

from events.credits import CreditsReserved
from events.generations import GenerationRejected
from events.moderation import AppealOverturned
from events.state import Reservation
from tests.given import ACCOUNT, START_MS, Told, a, asks, at, bought, generation, given

BODY_MAC = "00" * 32
"""Of every request that `asks` makes."""


def overturned(body_mac: str = BODY_MAC) -> Told:
    """An admin lets a refused request be asked again."""
    return Told(
        AppealOverturned(
            account_id=ACCOUNT,
            occurred_at_ms=START_MS,
            actor=ACCOUNT,
            generation_id=generation("x"),
            appeal_id=generation("appeal"),
            body_mac=body_mac,
        )
    )


def test_the_same_request_is_admitted_after_an_appeal() -> None:
    """It is refused before, and admitted after; its job says that an appeal allowed it."""
    story = given(bought("p", 10)).when(at(0))
    story.when(asks("x", prohibited="minors")).then(a(GenerationRejected, reason="prohibited"))
    story.given(overturned()).when(asks("y", prohibited="minors")).then(a(CreditsReserved))
    entry = story.account.open[generation("y")]
    assert isinstance(entry, Reservation)
    assert entry.allowed


def test_another_request_is_refused_as_before() -> None:
    """What an appeal allowed is one request's body and no other."""
    story = given(bought("p", 10), overturned("11" * 32)).when(at(0))
    story.when(asks("x", prohibited="minors")).then(a(GenerationRejected, reason="prohibited"))


def test_a_request_that_nobody_refused_is_not_marked() -> None:
    """Everybody else's jobs are moderated, also where some request was allowed."""
    story = given(bought("p", 10), overturned("11" * 32)).when(at(0)).when(asks("x"))
    entry = story.account.open[generation("x")]
    assert isinstance(entry, Reservation)
    assert not entry.allowed


def test_told_twice_it_is_remembered_once_and_not_for_ever() -> None:
    """A hundred newest are remembered, each once."""
    story = given(overturned(), overturned())
    assert story.account.allowed == (BODY_MAC,)
    story.given(*[overturned(f"{number:064x}") for number in range(1, 101)])
    assert len(story.account.allowed) == 100
    assert BODY_MAC not in story.account.allowed
