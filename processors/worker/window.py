"""The in-order ack window: one partition's jobs under way, acked by offset and never past one.

Faust commits up to the highest acked offset it can explain, and with acks out of order it can
explain away work in flight (its issue 606). So an ack is given only to the head of the window.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

Ack = Callable[[], object]


class _Entry:
    __slots__ = ("ack", "done", "offset")

    def __init__(self, offset: int, ack: Ack) -> None:
        self.offset = offset
        self.ack = ack
        self.done = False


class Window:
    """The jobs of one partition in one assignment; a new assignment takes a new window.

    Args:
        size: how many offsets it holds, from the oldest unfinished one on.
    """

    def __init__(self, size: int) -> None:
        assert size > 0
        self._size = size
        self._entries: deque[_Entry] = deque()
        self._by_offset: dict[int, _Entry] = {}
        self._last: int | None = None
        self._changed = asyncio.Event()
        self.revoked = False
        """Whether the assignment is over; nothing is acked any more."""
        self.acked = 0
        """How many offsets were acked."""

    def __len__(self) -> int:
        """How many offsets are held: unfinished ones, and finished ones behind them."""
        return len(self._entries)

    @property
    def last(self) -> int | None:
        """The highest offset that was ever added."""
        return self._last

    def add(self, offset: int, ack: Ack) -> bool:
        """Hold `offset` until it and all before it are done.

        Returns False, and holds nothing new, when the offset was added before: Faust seeks back to
        what is committed when its flow was interrupted, and then delivers again.
        """
        assert not self.revoked
        assert len(self._entries) < self._size, "wait for room() first"
        if self._last is not None and offset <= self._last:
            return False
        self._last = offset
        entry = _Entry(offset, ack)
        self._entries.append(entry)
        self._by_offset[offset] = entry
        return True

    def finish(self, offset: int) -> None:
        """Mark `offset` as done, and ack the head as far as everything is; no-op once revoked."""
        if self.revoked:
            return
        self._by_offset[offset].done = True
        while self._entries and self._entries[0].done:
            entry = self._entries.popleft()
            del self._by_offset[entry.offset]
            entry.ack()
            self.acked += 1
        self._changed.set()

    def revoke(self) -> None:
        """End the assignment: what is still running may finish, but is never acked here."""
        self.revoked = True
        self._entries.clear()
        self._by_offset.clear()
        self._changed.set()

    async def room(self) -> None:
        """Wait until one more offset fits, or the window is revoked."""
        while len(self._entries) >= self._size and not self.revoked:
            self._changed.clear()
            await self._changed.wait()
