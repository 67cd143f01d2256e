"""Looks now and then whose credits end soon, and has each told once for each day of an end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from processors.messages import metrics
from processors.messages.facts import Facts
from processors.messages.outbox import Outbox
from processors.messages.telling import EXPIRING, expiry_note
from runtime.errors import PixelpopError
from runtime.kafka.clock import BrokerClock

_log = structlog.get_logger(__name__)

HOUR_MS: Final = 3_600_000


class Expiries:
    """Plans the messages.

    Args:
        facts: tells whose credits end.
        outbox: where it is put down.
        clock: the log's.
        hours: how long before; 0: nobody is told.
        look_seconds: how often it looks.
        planned: called when there is something to send.
    """

    def __init__(
        self,
        facts: Facts,
        outbox: Outbox,
        clock: BrokerClock,
        *,
        hours: int,
        look_seconds: float,
        planned: Callable[[], None],
    ) -> None:
        self._facts = facts
        self._outbox = outbox
        self._clock = clock
        self._hours = hours
        self._look_seconds = look_seconds
        self._planned = planned

    async def run(self) -> None:
        """Look for ever."""
        while True:
            try:
                await self.look()
            except PixelpopError as error:
                _log.warning("whose credits end soon is not known", error=error)
            await asyncio.sleep(self._look_seconds)

    async def look(self) -> None:
        """Look once.

        Raises:
            PixelpopError: the database does not answer.
        """
        if not self._hours:
            return
        now_ms = self._clock.now_ms()
        async for account_id, day in self._facts.expiries(now_ms, now_ms + self._hours * HOUR_MS):
            # One by one: an account that is erased meanwhile must not keep the others.
            if await self._outbox.plan([(account_id, expiry_note(str(account_id), day))]):
                metrics.PLANNED.labels(EXPIRING).inc()
                self._planned()
