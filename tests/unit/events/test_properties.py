"""Properties of the fold and the decision, for histories that nobody thought of."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from commands.decide import decide
from events.base import Decision
from events.fold import evolve, evolve_all
from events.snapshot import Cursor, decode_chunks, encode_chunks
from events.state import Account
from tests.given import (
    ACCOUNT,
    HOUR,
    MINUTE,
    Story,
    Told,
    asks,
    at,
    bought,
    cancels,
    fails,
    finished,
    leaves,
    refunded,
    signed_up,
)

_NAMES = st.sampled_from(["ant", "bee", "cat", "dog"])
_PACKS = st.sampled_from(["p", "q", "r"])
_EXPIRES = st.none() | st.integers(0, 2 * HOUR)

_FACTS: st.SearchStrategy[Told] = st.one_of(
    st.builds(signed_up, st.integers(0, 6), _EXPIRES),
    st.builds(bought, _PACKS, st.integers(0, 6), _EXPIRES),
    st.builds(refunded, _PACKS),
    st.builds(asks, _NAMES, st.integers(0, 4)),
    st.builds(finished, _NAMES, st.integers(0, 4)),
    st.builds(fails, _NAMES),
    st.builds(cancels, _NAMES),
    st.builds(lambda _: leaves(), st.none()),
)
_Step = tuple[Told | None, int, bool]
_STEPS: st.SearchStrategy[list[_Step]] = st.lists(
    st.tuples(
        st.none() | _FACTS,
        st.sampled_from([-MINUTE, 0, 1, MINUTE, 11 * MINUTE, HOUR]),
        st.booleans(),
    ),
    max_size=40,
)
_PROFILE = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def _told(steps: list[_Step]) -> Story:
    """A story whose decider sometimes looks away; it checks every invariant at each event."""
    story, now_ms = Story(), 0
    for fact, passes_ms, decider_looks in steps:
        now_ms = max(0, now_ms + passes_ms)
        story.now_ms = at(now_ms)
        if fact is not None:
            story.given(fact.after(now_ms))
        if decider_looks:
            story.decide_all()
    return story


@_PROFILE
@for_all(_STEPS)
def test_the_invariants_hold_after_every_event(steps: list[_Step]) -> None:
    """Sums, no negative balance, no debt beside spendable credits, books equal to the state."""
    story = _told(steps)
    story.now_ms = at(10 * HOUR)
    story.decide_all()
    assert not story.account.open
    assert not story.account.reserved
    if story.account.erased is not None:
        assert (story.account.available, story.account.debt) == (0, 0)


@_PROFILE
@for_all(_STEPS)
def test_a_history_folds_the_same_every_time(steps: list[_Step]) -> None:
    """Replaying the log gives the state that the story ended with."""
    story = _told(steps)
    assert evolve_all(Account(account_id=ACCOUNT), story.log) == story.account


@_PROFILE
@for_all(_STEPS, st.integers(0, 80))
def test_a_snapshot_anywhere_changes_nothing(steps: list[_Step], place: int) -> None:
    """Folding on from a snapshot gives the state that folding all along gives."""
    story = _told(steps)
    place = min(place, len(story.log))
    half = evolve_all(Account(account_id=ACCOUNT), story.log[:place])
    cursor = Cursor(topic="t", partition=0, next_offset=place, hash_before="")
    data = b"".join(encode_chunks(cursor, {half.account_id: half}))
    ((back,),) = decode_chunks(data)
    assert evolve_all(back, story.log[place:]) == story.account


@_PROFILE
@for_all(_STEPS, st.data())
def test_repeating_any_record_changes_nothing_at_that_moment(
    steps: list[_Step], data: st.DataObject
) -> None:
    """A duplicate that the broker appends at once has no effect, fact or decision."""
    story = _told(steps)
    state = Account(account_id=ACCOUNT)
    for one in story.log:
        state = evolve(state, one)
        if data.draw(st.booleans()):
            assert evolve(state, one) is state


@_PROFILE
@for_all(_STEPS)
def test_decide_is_a_function_of_the_state(steps: list[_Step]) -> None:
    """Two deciders with the same state and time write the same bytes, so that either may win."""
    story = _told(steps)
    for now_ms in (story.now_ms, at(10 * HOUR)):
        assert decide(story.account, now_ms) == decide(story.account, now_ms)


@_PROFILE
@for_all(_STEPS)
def test_a_prefix_of_a_history_is_a_history(steps: list[_Step]) -> None:
    """A decision counts whatever comes after it: no later record changes what counted."""
    story = _told(steps)
    state = Account(account_id=ACCOUNT)
    for one in story.log:
        after = evolve(state, one)
        if isinstance(one.event, Decision):
            assert after.sequence == state.sequence + 1
        state = after
