"""Claims about the in-order ack window."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.worker.window import Window

OFFSETS = st.lists(st.integers(0, 10_000), min_size=1, max_size=40, unique=True).map(sorted)


@given(OFFSETS, st.randoms(use_true_random=False))
def test_any_order_of_completion_acks_in_the_order_of_offsets(offsets: list[int], random) -> None:
    """Whatever finishes first, acks come by offset, and one comes only when all before it did."""
    acked: list[int] = []
    window = Window(len(offsets))
    for offset in offsets:
        assert window.add(offset, lambda offset=offset: acked.append(offset))
    order = random.sample(offsets, len(offsets))
    for count, offset in enumerate(order, start=1):
        window.finish(offset)
        finished = set(order[:count])
        expected = []
        for one in offsets:
            if one not in finished:
                break
            expected.append(one)
        assert acked == expected
    assert acked == offsets
    assert len(window) == 0


@given(OFFSETS, st.randoms(use_true_random=False), st.data())
def test_a_revoked_window_never_acks_again(offsets: list[int], random, data) -> None:
    """What finishes after the revocation is not acked, and does not fail either."""
    acked: list[int] = []
    window = Window(len(offsets))
    for offset in offsets:
        window.add(offset, lambda offset=offset: acked.append(offset))
    order = random.sample(offsets, len(offsets))
    before = data.draw(st.integers(0, len(order)))
    for offset in order[:before]:
        window.finish(offset)
    window.revoke()
    at_the_end = list(acked)
    for offset in order[before:]:
        window.finish(offset)
    assert acked == at_the_end


@given(OFFSETS)
def test_an_offset_that_was_added_before_is_not_held_twice(offsets: list[int]) -> None:
    """A second delivery of an offset, or of an earlier one, changes nothing."""
    acked: list[int] = []
    window = Window(len(offsets) + 1)
    for offset in offsets:
        window.add(offset, lambda offset=offset: acked.append(offset))
    for offset in offsets:
        assert not window.add(offset, lambda: acked.append(-1))
    for offset in offsets:
        window.finish(offset)
    assert not window.add(offsets[0], lambda: acked.append(-1))
    assert acked == offsets


async def test_a_full_window_has_room_once_its_head_is_done() -> None:
    """Finishing behind the head gives no room; finishing the head does."""
    window = Window(2)
    window.add(1, lambda: None)
    window.add(2, lambda: None)
    waiting = asyncio.create_task(window.room())
    window.finish(2)
    await asyncio.sleep(0)
    assert not waiting.done()
    window.finish(1)
    await asyncio.wait_for(waiting, 5)


async def test_waiting_for_room_ends_with_the_assignment() -> None:
    """A revoked window lets go of whoever waits for it."""
    window = Window(1)
    window.add(1, lambda: None)
    waiting = asyncio.create_task(window.room())
    await asyncio.sleep(0)
    window.revoke()
    await asyncio.wait_for(waiting, 5)
    with pytest.raises(AssertionError):
        window.add(2, lambda: None)
