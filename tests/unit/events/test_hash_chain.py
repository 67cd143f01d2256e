"""The chain as an auditor sees it: each decision names the bytes of the one before."""

from __future__ import annotations

from events.base import ZERO_HASH, Decision
from events.credits import CreditsGranted
from events.fold import evolve_all
from events.recorded import hash_value, record
from events.state import Account
from tests.given import ACCOUNT, asks, bought, finished, given, refunded, signed_up


def test_the_chain_is_made_of_the_stored_bytes() -> None:
    """Each decision names SHA-256 of the one before; the first names zeros."""
    story = (
        given(signed_up(5))
        .when(asks("cat", 2))
        .when(finished("cat", 2))
        .when(bought("p", 1))
        .when(refunded("p"))
    )
    decisions = [one for one in story.log if isinstance(one.event, Decision)]
    assert len(decisions) == 5
    previous, causes = ZERO_HASH, {one.value_hash for one in story.log}
    for place, one in enumerate(decisions, start=1):
        assert isinstance(one.event, Decision)
        assert (one.event.previous_hash, one.event.sequence) == (previous, place)
        assert one.event.cause_hash in causes
        previous = hash_value(one.value)
    assert story.account.head == previous


def test_a_changed_byte_in_history_voids_all_that_follows() -> None:
    """Whoever rewrites one decision loses every later one of that account."""
    story = given(signed_up(5)).when(asks("cat", 2)).when(finished("cat", 2))
    history = list(story.log)
    place = next(i for i, one in enumerate(history) if isinstance(one.event, CreditsGranted))
    forged_value = history[place].value.replace(b'{"type"', b'{ "type"')
    assert forged_value != history[place].value
    history[place] = record(history[place].event, forged_value, history[place].appended_at_ms)
    state = evolve_all(Account(account_id=ACCOUNT), history)
    assert (state.sequence, state.granted, state.spent) == (1, 5, 0)
