"""Gifts: credits leave the giver once and come out on one side only, with the end that they had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from events.base import Draw
from events.chain import Void
from events.credits import CreditsExpired, CreditsGranted, CreditsReserved, CreditsRevoked
from events.generations import GenerationRejected
from events.gifts import GiftPart, GiftRefused, GiftReturned, GiftSent, part_source
from tests.given import (
    MINUTE,
    Story,
    Told,
    a,
    asks,
    at,
    bought,
    finished,
    given,
    leaves,
    refunded,
    signed_up,
    source,
)
from tests.given_grants import (
    gift,
    nobody_takes,
    offers,
    receives,
    redeemed,
    rewarded,
    somebody_takes,
    soothed,
)


def world_gift(*stories: Story) -> int:
    """What the double entry says is between people."""
    total: Counter[str] = Counter()
    for story in stories:
        total.update(story.books.balances)
    return total["world:gift"]


def test_a_gift_leaves_its_giver() -> None:
    """The credits go from purchased grants in their order of use, each part with its end."""
    (
        given(bought("soon", 3, expires=MINUTE), bought("never", 5))
        .when(at(0))
        .when(offers("g", 4).after(1))
        .then(
            a(
                GiftSent,
                gift_id=gift("g"),
                credits=4,
                draws=(Draw(source("soon"), 3), Draw(source("never"), 1)),
                parts=(GiftPart(3, at(MINUTE)), GiftPart(1, None)),
            )
        )
        .then_state(available=4, granted=4)
    )


def test_an_offer_that_is_told_again_leaves_once() -> None:
    """Repeated, before and after its decision, an offer moves nothing more."""
    (
        given(bought("p", 9), offers("g", 4), offers("g", 4))
        .when(at(0))
        .then(a(CreditsGranted), a(GiftSent))
        .when(offers("g", 1))
        .then()
        .then_state(available=5)
    )


@pytest.mark.parametrize("told", [redeemed, rewarded, soothed])
def test_only_what_was_paid_for_is_given(told: Callable[[str, int], Told]) -> None:
    """Welcome, promotion, referral, goodwill: nobody collects those of many accounts in one."""
    (
        given(signed_up(5), told("x", 10), bought("p", 2))
        .when(at(0))
        .when(offers("g", 3))
        .then(a(GiftRefused, reason="insufficient_credits", credits_needed=3, credits_available=2))
        .then_state(available=17)
    )


def test_what_was_received_is_not_given_on() -> None:
    """A gift goes no further than its receiver."""
    (
        given(receives("g", (5, None)))
        .when(at(0))
        .then(a(CreditsGranted, why="gift", origin="gift", credits=5))
        .when(offers("h", 1))
        .then(a(GiftRefused, credits_available=0))
    )


def test_a_gift_keeps_the_end_that_it_had() -> None:
    """Given away and received, credits end when they would have ended: nobody lengthens a life."""
    giver = given(bought("p", 5, expires=MINUTE), offers("g", 5)).when(at(0))
    sent = giver.added[-1]
    assert isinstance(sent, GiftSent)
    parts = [(part.credits, MINUTE) for part in sent.parts]
    receiver = given(receives("g", *parts)).when(at(MINUTE - 1)).then(a(CreditsGranted, credits=5))
    assert world_gift(giver, receiver) == 0
    receiver.when(at(MINUTE)).then(a(CreditsExpired, credits=5)).then_state(available=0)


def test_what_is_received_counts_once() -> None:
    """Told twice, each part is granted once; between giver and receiver nothing is left."""
    giver = given(bought("a", 2, expires=MINUTE), bought("b", 3), offers("g", 5)).when(at(0))
    receiver = (
        given(receives("g", (2, MINUTE), (3, None)), receives("g", (2, MINUTE), (3, None)))
        .when(at(0))
        .then(
            a(CreditsGranted, source_id=part_source(gift("g"), 0), credits=2),
            a(CreditsGranted, source_id=part_source(gift("g"), 1), credits=3),
        )
        .when(receives("g", (900, None)))
        .then()
        .then_state(available=5)
    )
    giver.when(somebody_takes("g")).then()
    assert world_gift(giver, receiver) == 0


def test_a_gift_pays_its_receivers_debt_first() -> None:
    """Who owes does not spend what friends give."""
    (
        given(bought("p", 4), asks("cat", 4))
        .when(at(0))
        .when(finished("cat", 4))
        .when(refunded("p"))
        .when(receives("g", (3, None)))
        .then(a(CreditsGranted, debt_paid=3))
        .then_state(available=0, debt=1)
    )


def test_what_nobody_takes_comes_back_as_it_was() -> None:
    """It returns to the grants that it came from, which kept their ends, and what ended ends."""
    story = (
        given(bought("soon", 3, expires=MINUTE), bought("never", 5), offers("g", 6))
        .when(at(0))
        .then_state(available=2)
        .when(nobody_takes("g").after(MINUTE))
        .then(
            a(
                GiftReturned,
                credits=6,
                expired=3,
                returns=(Draw(source("never"), 3),),
                decided_at_ms=at(MINUTE),
            )
        )
        .then_state(available=5, expired=3, granted=8)
    )
    assert world_gift(story) == 0
    story.when(nobody_takes("g"), somebody_takes("g")).then()


def test_what_comes_back_may_be_given_again() -> None:
    """Returned credits are what they were: paid for."""
    (
        given(bought("p", 5), offers("g", 5))
        .when(at(0))
        .when(nobody_takes("g", "taken_back"))
        .when(offers("h", 5))
        .then(a(GiftSent, draws=(Draw(source("p"), 5),)))
    )


def test_what_was_taken_never_returns() -> None:
    """The first end in the log counts: received, then said to be unclaimed, and the other way."""
    story = given(bought("p", 5), offers("g", 5)).when(at(0))
    story.when(somebody_takes("g"), nobody_takes("g")).then().then_state(available=0)
    other = given(bought("p", 5), offers("g", 5), nobody_takes("g"), somebody_takes("g"))
    other.when(at(0)).then(a(CreditsGranted), a(GiftSent), a(GiftReturned)).then_state(available=5)


def test_a_gift_is_not_refunded_away() -> None:
    """Bought, given away and refunded: the giver owes all of it, so no money is made of gifts."""
    story = given(bought("p", 10), offers("g", 10)).when(at(0))
    story.when(refunded("p")).then(a(CreditsRevoked, credits=10, draws=(), debt_added=10))
    story.then_state(debt=10).when(nobody_takes("g")).then(
        a(GiftReturned, credits=10, debt_paid=10)
    ).then_state(debt=0, available=0)


def test_reserved_credits_are_not_given() -> None:
    """What a generation has set aside is not there to be given; log order picks who is first."""
    (
        given(bought("p", 4))
        .when(asks("cat", 3).after(0))
        .then(a(CreditsGranted), a(CreditsReserved))
        .when(offers("g", 2))
        .then(a(GiftRefused, credits_available=1))
    )
    (
        given(bought("p", 4), offers("g", 2).after(0), asks("cat", 3).after(0))
        .when(at(0))
        .then(a(CreditsGranted), a(GiftSent), a(GenerationRejected, credits_available=2))
    )


def test_an_erased_account_gives_nothing() -> None:
    """An offer after the end is refused; what comes back after it is written off."""
    given(bought("p", 5), leaves(), offers("g", 5)).when(at(0)).then(
        a(CreditsGranted), a(GiftRefused, reason="account_erased"), a(CreditsExpired, credits=5)
    )
    story = given(bought("p", 5), offers("g", 5)).when(at(0)).when(leaves())
    story.when(nobody_takes("g")).then(
        a(GiftReturned, credits=5), a(CreditsExpired, why="erasure", credits=5)
    ).then_state(available=0)
    assert world_gift(story) == 0


def test_a_grant_that_is_given_away_whole_is_remembered_until_it_is_received() -> None:
    """A settlement in between forgets it no sooner, so that it can return."""
    (
        given(bought("p", 5), bought("q", 1))
        .when(at(0))
        .when(offers("g", 5))
        .when(asks("cat", 1))
        .when(finished("cat", 1))
        .when(nobody_takes("g"))
        .then(a(GiftReturned, returns=(Draw(source("p"), 5),)))
        .then_state(available=5)
    )


def test_an_offer_after_the_end_of_a_grant_draws_nothing_of_it() -> None:
    """However late the decider is, it decides as of the offer's append."""
    story = given(bought("p", 5, expires=1000)).when(at(0))
    story.given(offers("early", 2).after(900), offers("late", 2).after(1100)).when(at(5000))
    story.then(
        a(GiftSent, gift_id=gift("early")),
        a(CreditsExpired, credits=3),
        a(GiftRefused, gift_id=gift("late"), credits_available=0),
    )


def test_forged_decisions_do_not_count() -> None:
    """Another amount, foreign parts, wrong postings, a second return: void."""
    story = given(bought("p", 5, expires=MINUTE)).when(at(0)).given(offers("g", 3))
    honest = given(bought("p", 5, expires=MINUTE)).when(at(0)).when(offers("g", 3)).added[0]
    assert isinstance(honest, GiftSent)
    for forged, why in (
        (replace(honest, credits=2), Void.CONTRADICTS_FACT),
        (replace(honest, parts=(GiftPart(3, None),)), Void.IMPOSSIBLE),
        (replace(honest, postings=()), Void.IMPOSSIBLE),
        (replace(honest, draws=(Draw(source("p"), 3),) * 2), Void.IMPOSSIBLE),
        (replace(honest, gift_id=gift("other")), Void.NOTHING_TO_DECIDE),
    ):
        assert story.append(forged) is why, forged
    assert story.append(honest) is None
    back = story.when(nobody_takes("g")).added[0]
    assert isinstance(back, GiftReturned)
    again = replace(back, previous_hash=story.account.head, sequence=back.sequence + 1)
    assert story.append(again) is Void.NOTHING_TO_DECIDE
