"""One partition of the log, its clock, and appends whose sender is long gone."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

from events.envelope import headers_for
from events.ids import AccountId, EventId, derive

START_MS = 1_700_000_000_000
_CLOCK_BACK_CHANCE = 0.02
_CLOCK_BACK_MS_MAX = 5_000


class LogEntry(msgspec.Struct, frozen=True):
    """A record as a consumer gives it."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class Unsent(msgspec.Struct, frozen=True):
    """A record that nobody has appended yet."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class Broker:
    """Appends in order and stamps the time; the stamp may go back when a leader changes."""

    def __init__(self, random: Random, on_append: Callable[[LogEntry], None]) -> None:
        self._random = random
        self._on_append = on_append
        self.log: list[LogEntry] = []
        self.now_ms = START_MS
        self.ghosts: list[list[Unsent]] = []
        """What a dead or disappointed sender left on the wire: it may land later, in order."""

    def append(self, record: Unsent) -> None:
        """Add one record to the end of the log."""
        stamp = self.now_ms
        if self._random.random() < _CLOCK_BACK_CHANCE:
            stamp -= self._random.randrange(_CLOCK_BACK_MS_MAX)
        entry = LogEntry(len(self.log), stamp, record.key, record.value, record.headers)
        self.log.append(entry)
        self._on_append(entry)

    def haunt(self) -> None:
        """One of the late appends lands, or is lost."""
        if not self.ghosts:
            return
        ghost = self._random.choice(self.ghosts)
        if ghost and self._random.random() < 0.8:
            self.append(ghost.pop(0))
        else:
            self.ghosts.remove(ghost)


def unsent(event: Any, value: bytes, event_id: str | None = None) -> Unsent:
    """A record of `event`, with the headers that every writer gives it."""
    account_id: AccountId = event.account_id
    headers = headers_for(
        event,
        EventId(event_id or derive("simulated", value.decode())),
        source="/pixelpop/simulation",
        time_ms=event.occurred_at_ms if hasattr(event, "occurred_at_ms") else event.decided_at_ms,
        correlation_id=account_id,
    )
    return Unsent(account_id.encode(), value, headers)
