"""Objects of results that came too late: removed once, and not by every reading of the log."""

from __future__ import annotations

from typing import Any

import pytest

from events.recorded import Recorded
from processors.decider.host import DISCARD_AGE_MS_MAX, Host
from processors.decider.hosted import Hosted
from processors.decider.partition import Partition
from runtime.objects import MemoryObjects
from runtime.settings import Settings
from tests.chaos.simulation.broker import LogEntry, unsent
from tests.given import MINUTE, asks, at, fails, finished, given, signed_up


class _Queue:
    """Where jobs are queued."""

    def __init__(self) -> None:
        self.discards: list[Any] = []

    def add_discard(self, event: Any) -> None:
        self.discards.append(event)


class _Clock:
    """The broker's time, which stands still."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms


def _entry(offset: int, one: Recorded) -> Any:
    raw = unsent(one.event, one.value, one.event_id)
    return LogEntry(offset, one.appended_at_ms, raw.key, raw.value, raw.headers)


@pytest.mark.parametrize(("later_ms", "removed"), [(MINUTE, 1), (DISCARD_AGE_MS_MAX, 0)])
def test_late_objects_are_removed_while_it_is_recent(later_ms: int, removed: int) -> None:
    """A log that is read again a day later deletes nothing again."""
    story = given(signed_up(5)).when(asks("cat").after(0)).when(fails("cat").after(MINUTE))
    story.given(finished("cat", 1).after(2 * MINUTE))
    queue: Any = _Queue()
    clock: Any = _Clock(at(2 * MINUTE) + later_ms)
    nothing: Any = None
    host = Host(
        Settings(),
        log=nothing,
        producer=nothing,
        dispatcher=queue,
        objects=MemoryObjects(),
        clock=clock,
    )
    host.hosted[0] = Hosted(Partition(), 0, len(story.log) + 1)
    host.fold(0, [_entry(offset, one) for offset, one in enumerate(story.log)])
    assert len(queue.discards) == removed
