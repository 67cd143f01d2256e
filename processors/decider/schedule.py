"""When time alone makes something due: deadlines of reservations, expiries of grants."""

from __future__ import annotations

from heapq import heappop, heappush

from events.ids import AccountId


class Schedule:
    """The earliest instant at which each account must be looked at again.

    An account stands in it once, at its earliest instant; whoever pops it schedules the next one.
    So its size is bounded by the number of accounts, however many deadlines each of them has.
    """

    __slots__ = ("_at_ms", "_heap")

    def __init__(self) -> None:
        self._heap: list[tuple[int, AccountId]] = []
        self._at_ms: dict[AccountId, int] = {}

    def add(self, account_id: AccountId, due_ms: int) -> None:
        """Look at the account at `due_ms`, or earlier if that is planned already."""
        planned = self._at_ms.get(account_id)
        if planned is None or due_ms < planned:
            self._at_ms[account_id] = due_ms
            heappush(self._heap, (due_ms, account_id))

    def pop_due(self, now_ms: int) -> list[AccountId]:
        """Take out every account whose instant has come."""
        due = []
        while self._heap and self._heap[0][0] <= now_ms:
            at_ms, account_id = heappop(self._heap)
            if self._at_ms.get(account_id) == at_ms:  # else: a later plan, replaced by an earlier
                del self._at_ms[account_id]
                due.append(account_id)
        return due

    @property
    def next_ms(self) -> int | None:
        """The earliest instant; None when nothing is planned."""
        return self._heap[0][0] if self._heap else None
