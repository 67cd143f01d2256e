"""The division of the ceiling: fair, never more than there is, nothing left where it is wanted."""

from __future__ import annotations

import asyncio
import math
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from processors.worker.ceiling import Part, share
from processors.worker.sharing import Room

ME = UUID(int=5)


def granted(ceiling: int, wanted: int, *others: tuple[int, int]) -> int:
    parts = [Part(wish, UUID(int=n + 10), held) for n, (wish, held) in enumerate(others)]
    return share(ceiling, Part(wanted, ME), parts)


def test_alone_a_worker_has_what_it_wants() -> None:
    """Up to the ceiling."""
    assert granted(100, 64) == 64
    assert granted(100, 500) == 100


def test_two_that_want_more_than_there_is_have_half() -> None:
    """Once the other has given back what is beyond its half."""
    assert granted(100, 64, (64, 50)) == 50
    assert granted(100, 64, (64, 64)) == 36


def test_who_wants_less_leaves_the_rest() -> None:
    """Max-min: the small one has all it wants, the others divide what is left."""
    assert granted(100, 64, (4, 4), (64, 48)) == 48
    assert granted(100, 4, (64, 48), (64, 48)) == 4


def test_what_others_hold_is_not_taken() -> None:
    """A ceiling that was lowered, or a share not yet given back, leaves nothing for now."""
    assert granted(100, 64, (64, 100)) == 0
    assert granted(10, 64, (64, 64)) == 0


@given(
    ceiling=st.integers(1, 200),
    wishes=st.lists(st.integers(0, 100), min_size=1, max_size=8),
    order=st.lists(st.integers(0, 7), max_size=60),
)
def test_the_sum_never_passes_the_ceiling(
    ceiling: int, wishes: list[int], order: list[int]
) -> None:
    """However workers take turns, all shares together stay within it, and turns end it all fair."""
    held = [0] * len(wishes)

    def look(place: int) -> None:
        parts = [Part(wish, UUID(int=n), held[n]) for n, wish in enumerate(wishes)]
        held[place] = share(ceiling, parts[place], parts[:place] + parts[place + 1 :])
        assert sum(held) <= ceiling
        assert held[place] <= wishes[place]

    for place in order:
        look(place % len(wishes))
    for _ in range(2 * len(wishes)):
        for place in range(len(wishes)):
            look(place)
    assert sum(held) == min(ceiling, sum(wishes))
    unsatisfied = [one for one, wish in zip(held, wishes, strict=True) if one < wish]
    assert not unsatisfied or max(unsatisfied) - min(unsatisfied) <= 1


async def test_who_waits_asks_for_a_look_once() -> None:
    """A look that gives nothing is followed by the next one in its time, not at once."""
    look_now = asyncio.Event()
    room = Room(1, 10, 0, look_now)
    room.grant(1, math.inf)
    await room.acquire()
    waiting = [asyncio.create_task(room.acquire()) for _ in range(2)]
    done, _ = await asyncio.wait(waiting, timeout=0.01)
    assert (done, look_now.is_set(), room.waiting) == (set(), True, 2)
    look_now.clear()
    room.grant(1, math.inf)
    done, _ = await asyncio.wait(waiting, timeout=0.01)
    assert (done, look_now.is_set()) == (set(), False)
    room.release()
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    room.grant(2, math.inf)
    await asyncio.gather(*waiting)
    assert room.in_use == 2


def test_where_there_is_less_than_one_for_each_it_goes_round() -> None:
    """In some turns the one, in some the other."""
    first, second = Part(5, UUID(int=1)), Part(5, UUID(int=2))
    shares = {
        (share(1, first, [second], turn=turn), share(1, second, [first], turn=turn))
        for turn in range(20)
    }
    assert shares == {(0, 1), (1, 0)}
