"""The hub: kept changes, readers and their bounds."""

from __future__ import annotations

import pytest

from gateway.live.changes import Cancelled
from gateway.live.hub import Hub
from gateway.web.errors import Problem


def hub(changes: int = 10, streams: int = 10, mine: int = 5, queue: int = 3) -> Hub:
    made = Hub(changes, streams, mine, queue)
    made.begin({0: 0})
    return made


def change(generation: str = "g", account: str = "ada") -> Cancelled:
    return Cancelled(account, generation)


async def test_readers_get_their_own_changes_in_order() -> None:
    """Of their account, and of one generation if they want only that."""
    one = hub()
    everything, single = one.subscribe("ada"), one.subscribe("ada", "g2")
    other = one.subscribe("bob")
    for offset, generation in enumerate(("g1", "g2", "g3")):
        one.publish(0, offset, 0, change(generation))
    assert [item.offset for item in await everything.get(0)] == [0, 1, 2]
    assert [item.offset for item in await single.get(0)] == [1]
    assert await other.get(0) == []


async def test_a_slow_reader_is_cut_off() -> None:
    """Its queue is bounded; what it missed is still kept for when it comes back."""
    one = hub(queue=2)
    slow = one.subscribe("ada")
    for offset in range(3):
        one.publish(0, offset, 0, change())
    assert slow.cut
    assert await slow.get(0) == []
    assert [item.offset for item in one.since("ada", 1)] == [1, 2]


def test_the_oldest_changes_are_dropped_and_that_is_known() -> None:
    """What `covers` says is all there, is all there."""
    one = hub(changes=3)
    for offset in range(5):
        one.publish(0, offset, 0, change(account="ada" if offset % 2 else "bob"))
    assert one.covered_from(0) == 2
    assert not one.covers(0, 1)
    assert one.covers(0, 2)
    assert [item.offset for item in one.since("bob", 0)] == [2, 4]


async def test_a_new_beginning_cuts_everybody_off() -> None:
    """After a gap nobody may believe to have seen everything."""
    one = hub()
    reader = one.subscribe("ada")
    one.publish(0, 0, 0, change())
    one.begin({0: 7})
    assert reader.cut
    assert one.since("ada", 0) == []
    assert not one.covers(0, 6)


def test_readers_are_bounded() -> None:
    """In all, and per account; one that goes makes room."""
    one = hub(streams=3, mine=2)
    first = one.subscribe("ada")
    one.subscribe("ada")
    with pytest.raises(Problem):
        one.subscribe("ada")
    one.subscribe("bob")
    with pytest.raises(Problem):
        one.subscribe("eve")
    one.unsubscribe(first)
    one.subscribe("eve")
