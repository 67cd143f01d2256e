"""Claims the messages that are due: so many at once, of one person one after the other."""

from __future__ import annotations

import msgspec

from processors.messages import metrics
from processors.messages.outbox import Claim, Outbox
from processors.outward.sending import Sending


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How much at once, and how often."""

    sends: int
    poll_seconds: float
    lease_seconds: float
    """How long a claim holds."""
    keep_seconds: float
    """How long it is remembered what was told."""


class Sender(Sending[Claim]):
    """Sends until it is stopped.

    Args:
        outbox: tells what is due.
        pace: the bounds.
    """

    def __init__(self, outbox: Outbox, pace: Pace) -> None:
        super().__init__(
            sends=pace.sends, poll_seconds=pace.poll_seconds, under_way=metrics.UNDER_WAY
        )
        self._outbox = outbox
        self._pace = pace

    async def claim(self, room: int) -> list[Claim]:
        """Messages that are due."""
        return await self._outbox.claim(room, self._pace.lease_seconds)

    async def prune(self) -> int:
        """Forget what was told so long ago that it is not met again."""
        return await self._outbox.prune(self._pace.keep_seconds)
