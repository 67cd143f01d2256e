"""The broker's time, known without asking and independent of this machine's wall clock.

Deadlines are compared with the broker's append times, so they must be judged by its clock. The
clock here is this machine's monotonic clock plus an offset learned from append times:

- What was appended before now cannot lie in the future: a record or ack that bears a later time
  than the clock shows moves it forward to that time. A record that is read late bears an earlier
  one and moves nothing. So a broker whose clock jumps forward is followed at once.
- An ack also says that the append happened after it was asked for. If even then the broker's time
  was behind what the clock showed, the clock is ahead (the two clocks drift, or the broker's was
  set back) and its offset shrinks. `now_ms()` then stands still until time has caught up: it never
  goes back.
- With several brokers whose clocks differ, it follows the one that is ahead.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NoReturn

import structlog

from runtime.errors import PixelpopError
from runtime.kafka.errors import LogError
from runtime.kafka.records import Outgoing

if TYPE_CHECKING:
    from runtime.kafka.producer import LogProducer

_log = structlog.get_logger(__name__)

KEEP_SECONDS: Final = 30.0
"""How often the time is asked for; a machine that slept must not act on an old one."""

TICK = Outgoing(key=b"", value=b"", headers=(("ce_type", b"clock"),))
"""The record that primes a clock; its readers skip it."""


class ClockUnset(LogError):
    """The broker's time was asked for before anything was learned about it."""

    code = "clock-unset"


class BrokerClock:
    """The broker's time in ms since 1970.

    Args:
        monotonic: seconds that never go back; for tests.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._offset_ms: float | None = None
        self._shown_ms = 0

    async def prime(self, producer: LogProducer, topic: str, tick: Outgoing = TICK) -> None:
        """Learn the time by appending one tiny record to a topic that may lose records.

        Raises:
            LogOverloaded, AppendUnknown, AppendRefused: as `LogProducer.append`.
        """
        asked_at = self._monotonic()
        position = await producer.append(topic, tick)
        self.observe(position.appended_at_ms, asked_at=asked_at)

    async def keep(
        self, producer: LogProducer, topic: str, *, every_seconds: float = KEEP_SECONDS
    ) -> NoReturn:
        """Learn the time now and then, for ever, also when nothing else is appended."""
        while True:
            await asyncio.sleep(every_seconds)
            asked_at = self._monotonic()
            try:
                await self.prime(producer, topic)
            except PixelpopError as error:
                _log.warning(
                    "the broker's time is not to be had",
                    code=error.code,
                    seconds=round(self._monotonic() - asked_at, 3),
                )

    def observe(self, appended_at_ms: int, *, asked_at: float | None = None) -> None:
        """Learn from an append time.

        Args:
            appended_at_ms: the broker's time in an ack or a record.
            asked_at: for an ack: when it was sent, on the monotonic clock, in seconds.
        """
        earliest = appended_at_ms - self._monotonic() * 1000
        if self._offset_ms is None or self._offset_ms < earliest:
            self._offset_ms = earliest
        elif asked_at is not None:
            latest = appended_at_ms + 1 - asked_at * 1000  # append times are whole milliseconds
            self._offset_ms = min(self._offset_ms, latest)

    @property
    def is_set(self) -> bool:
        """Whether anything was learned yet."""
        return self._offset_ms is not None

    def now_ms(self) -> int:
        """The broker's time now; never less than it was before.

        Raises:
            ClockUnset: nothing was observed yet; `prime` it at start.
        """
        if self._offset_ms is None:
            raise ClockUnset("The broker's time is not known yet; prime the clock at start.")
        self._shown_ms = max(self._shown_ms, int(self._monotonic() * 1000 + self._offset_ms))
        return self._shown_ms
