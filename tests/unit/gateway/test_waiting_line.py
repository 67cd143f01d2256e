"""The waiting line: who stands where, what an estimate is drawn from, and when there is none."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.live.changes import Cancelled, Completed, Failed, Picture, Reserved, Settled, Started
from gateway.live.waiting_line import NOWHERE, OPEN_MAX, Place, WaitingLine

DEADLINE_MS = 600_000


class Given:
    """A line that a test lets things happen to; times in seconds."""

    def __init__(self, slots: int = 2, open_max: int = OPEN_MAX) -> None:
        self.now = 0.0
        self.offset = 0
        self.line = WaitingLine(slots, lambda: int(self.now * 1000), open_max)

    def happens(self, change: Any, *, partition: int = 0, at: float | None = None) -> None:
        self.offset += 1
        at_ms = int((self.now if at is None else at) * 1000)
        self.line.take(partition, self.offset, at_ms, change)

    def admitted(self, *names: str, at: float | None = None, partition: int = 0) -> None:
        for name in names:
            moment = self.now if at is None else at
            change = Reserved(
                account_id="a",
                sequence=1,
                previous_hash="",
                cause_hash="",
                generation_id=name,
                credits=1,
                deadline_ms=int(moment * 1000) + DEADLINE_MS,
            )
            self.happens(change, at=at, partition=partition)

    def started(self, *names: str, provider: str = "local") -> None:
        for name in names:
            self.happens(Started("a", name, provider))

    def completed(self, *names: str) -> None:
        for name in names:
            self.happens(Completed("a", name, (Picture("p"),)))

    def lasted(self, *seconds: float, provider: str = "local") -> None:
        """One generation after the other took so long."""
        for number, one in enumerate(seconds):
            name = f"earlier {provider} {number}"
            self.admitted(name)
            self.started(name, provider=provider)
            self.now += one
            self.completed(name)

    def place(self, name: str, provider: str = "local") -> Place:
        return self.line.place(name, provider)

    def positions(self, *names: str) -> list[int | None]:
        return [self.place(name).position for name in names]


def test_those_admitted_before_and_not_begun_are_counted():
    """The first is next; each start moves the others up; what is being made stands at 0."""
    given = Given()
    given.admitted("a", "b", "c")
    assert given.positions("a", "b", "c") == [0, 1, 2]
    given.started("a")
    assert given.positions("a", "b", "c") == [0, 0, 1]
    given.started("c")
    assert given.positions("a", "b", "c") == [0, 0, 0]


@pytest.mark.parametrize(
    "end",
    [
        Completed("a", "one", (Picture("p"),)),
        Failed("a", "one", "provider_refused", ""),
        Cancelled("a", "one"),
        Settled(
            account_id="a",
            sequence=2,
            previous_hash="",
            cause_hash="",
            generation_id="one",
            outcome="timed_out",
            captured=0,
            returned=1,
        ),
    ],
    ids=lambda end: type(end).__name__,
)
@pytest.mark.parametrize("begun", [False, True])
def test_whatever_ends_a_generation_takes_it_out(end: Any, begun: bool):
    """However it ends, begun or not, it stands nowhere and nobody waits for it."""
    given = Given()
    given.admitted("one", "two")
    if begun:
        given.started("one")
    given.happens(end)
    assert given.place("one") == NOWHERE
    assert given.positions("two") == [0]


def test_the_order_is_that_of_admission_whatever_is_read_first():
    """A gateway that begins anew reads one partition after the other, and says the same."""
    given = Given()
    given.admitted("late", at=2.0, partition=1)
    given.admitted("early", at=1.0, partition=0)
    assert given.positions("early", "late") == [0, 1]


def test_what_is_not_admitted_stands_nowhere():
    """Of a generation that is not decided, or that it never heard of, it claims nothing."""
    assert Given().place("one") == NOWHERE


def test_without_any_experience_there_is_a_position_and_no_estimate():
    """Nothing was finished lately: how long it takes is not known."""
    given = Given()
    given.admitted("one")
    assert given.place("one") == Place(0, None)
    given.started("one")
    assert given.place("one") == Place(0, None)


def test_with_workers_free_it_takes_what_the_last_ones_took():
    """The median of the provider's last ones, which one slow generation does not spoil."""
    given = Given()
    given.lasted(10, 12, 500, 11, 9)
    given.admitted("one")
    assert given.place("one") == Place(0, 11)


def test_each_provider_has_its_own_experience():
    """A drawn preview says nothing about how long a painted picture takes."""
    given = Given()
    given.lasted(2)
    given.admitted("one")
    assert given.place("one", "local").eta_seconds == 2
    assert given.place("one", "openai").eta_seconds is None
    given = Given()
    given.lasted(2)
    given.lasted(30, 30, provider="openai")
    given.admitted("one")
    assert given.place("one", "local").eta_seconds == 2
    assert given.place("one", "openai").eta_seconds == 30


def test_more_than_can_be_made_at_once_wait_for_a_worker():
    """With two at once, the third of a burst begins when half a generation's time has passed."""
    given = Given(slots=2)
    given.lasted(10)
    given.admitted("a", "b", "c", "d")
    assert [given.place(name).eta_seconds for name in "abcd"] == [10, 10, 15, 20]


def test_waiting_shows_how_many_are_really_made_at_once():
    """Who waits although a worker should be free shows that there are fewer than was thought."""
    given = Given(slots=64)
    given.lasted(10)
    given.admitted("a", "b", "c")
    given.started("a")
    assert given.place("c") == Place(1, 10)
    given.now += 3
    assert given.place("c") == Place(1, 30)


def test_many_workers_are_seen_by_what_they_make():
    """More made at once than one worker makes: the line moves that much faster."""
    given = Given(slots=1)
    given.lasted(10)
    busy = [f"busy {number}" for number in range(10)]
    given.admitted(*busy)
    given.started(*busy)
    given.admitted(*"abcde")
    assert given.place("e") == Place(4, 15)


def test_what_is_being_made_takes_the_rest():
    """An estimate shrinks while it is made, and is never less than a second."""
    given = Given()
    given.lasted(10, 10, 10)
    given.admitted("one")
    given.started("one")
    for age, left in ((0, 10), (4, 6), (9.9, 1)):
        given.now = 30 + age
        assert given.place("one") == Place(0, left)


def test_what_takes_longer_than_most_is_compared_with_those_that_did():
    """Past the median only the slow ones tell; past all of them nobody knows."""
    given = Given()
    given.lasted(10, 10, 10, 40)
    given.admitted("one")
    given.started("one")
    given.now += 15
    assert given.place("one").eta_seconds == 25
    given.now += 26
    assert given.place("one") == Place(0, None)


def test_without_a_worker_nothing_is_promised():
    """While nobody makes anything, the position is told and the time is not."""
    given = Given()
    given.lasted(10)
    given.admitted("one")
    given.now += 3
    assert given.place("one") == Place(0, None)


def test_a_line_that_stands_still_promises_nothing():
    """Workers that began and then neither finish nor take anything may be gone."""
    given = Given(slots=1)
    given.lasted(10)
    given.admitted("a", "b")
    given.started("a")
    given.now += 60
    assert given.place("b").eta_seconds is not None
    given.now += 30
    assert given.place("b") == Place(0, None)


def test_past_its_deadline_nothing_is_open():
    """An end that was missed keeps nobody waiting for ever."""
    given = Given()
    given.admitted("lost")
    given.admitted("lost too")
    given.started("lost too")
    given.now += DEADLINE_MS / 1000 + 1
    given.admitted("one")
    assert given.place("lost") == given.place("lost too") == NOWHERE
    assert given.positions("one") == [0]


def test_its_memory_is_bounded():
    """Those who come when the line is full stand nowhere, and those before them where they did."""
    given = Given(open_max=2)
    given.admitted("a", "b", "c")
    assert given.positions("a", "b", "c") == [0, 1, None]
    given.started("a", "b", "c")
    assert given.place("c") == NOWHERE


def test_told_twice_is_once():
    """Attempts after the first, and repetitions, change nothing."""
    given = Given()
    given.lasted(10)
    given.admitted("one", "one")
    given.started("one")
    given.now += 4
    given.started("one")
    given.admitted("one")
    assert given.place("one") == Place(0, 6)
    given.completed("one")
    given.completed("one")
    given.admitted("two")
    assert given.place("two").position == 0
