"""Timers of a partition: nothing that time makes due is forgotten, and nothing spins."""

from __future__ import annotations

from typing import Any

from events import ids
from events.codec import Event
from events.credits import CreditsExpired, CreditsSettled
from events.gifts import GiftOffered, GiftReturned, GiftUnclaimed
from events.ids import AccountId
from processors.decider.partition import Draft, Partition
from tests.chaos.simulation.broker import LogEntry, Unsent, unsent
from tests.given import (
    ACCOUNT,
    MINUTE,
    START_MS,
    Story,
    Told,
    asks,
    at,
    bought,
    fails,
    given,
    signed_up,
)


def _entry(offset: int, one: Unsent) -> Any:
    return LogEntry(offset, START_MS, one.key, one.value, one.headers)


def _taken_over(story: Story) -> Partition:
    """As a decider that starts from a snapshot."""
    partition = Partition({ACCOUNT: story.account}, next_offset=len(story.log))
    partition.take_over()
    return partition


def _read_back(partition: Partition, drafts: list[Draft]) -> list[Event]:
    for draft in drafts:
        record = unsent(draft.decided.event, draft.value, draft.decided.event_id)
        partition.fold([_entry(partition.next_offset, record)])
    return [draft.decided.event for draft in drafts]


def _empty_grant_with_a_result() -> Story:
    """All credits of a grant are reserved, and their generation has failed; nobody settled yet."""
    story = given(signed_up(5, expires=20 * MINUTE)).when(asks("cat", 4).after(0))
    story.when(asks("dog", 1).after(0))
    return story.given(fails("cat").after(0), fails("dog").after(0))


def test_a_grant_that_was_empty_at_the_takeover_still_expires() -> None:
    """Credits that return after their account was looked at are planned for their expiry."""
    partition = _taken_over(_empty_grant_with_a_result())
    assert partition.next_due_ms is None  # the results are due at once; the grant is empty
    settled = _read_back(partition, partition.decide(at(1)))
    assert [type(one) for one in settled] == [CreditsSettled, CreditsSettled]
    assert partition.next_due_ms == at(20 * MINUTE)
    (expired,) = _read_back(partition, partition.decide(at(20 * MINUTE)))
    assert isinstance(expired, CreditsExpired)
    assert expired.credits == 5


def test_a_grant_that_a_returned_gift_fills_again_still_expires() -> None:
    """Credits that nobody received are planned for the expiry of the grant that they go back to."""
    gift: dict[str, Any] = {
        "account_id": ACCOUNT,
        "occurred_at_ms": START_MS,
        "gift_id": ids.derive("test-gift"),
    }
    story = given(bought("pack", 5, expires=20 * MINUTE)).when(at(0))
    story.when(Told(GiftOffered(**gift, credits=5)))
    partition = _taken_over(story.given(Told(GiftUnclaimed(**gift, reason="expired"))))
    assert partition.next_due_ms is None
    assert [type(one) for one in _read_back(partition, partition.decide(at(1)))] == [GiftReturned]
    assert partition.next_due_ms == at(20 * MINUTE)


def test_a_frozen_account_does_not_keep_its_decider_awake() -> None:
    """What no decision will ever follow is not planned again and again."""
    partition = _taken_over(given(signed_up(5, expires=MINUTE)).when(at(0)))
    poison = Unsent(ACCOUNT.encode(), b"{", (("ce_class", b"money"),))
    partition.fold([_entry(partition.next_offset, poison)])
    assert partition.accounts[AccountId(ACCOUNT)].frozen is not None
    assert partition.decide(at(2 * MINUTE)) == []
    assert partition.next_due_ms is None
