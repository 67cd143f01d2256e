"""Progress for people who are watching: sent without waiting, given up without regret."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator

import msgspec

from events.ids import AccountId, GenerationId
from events.live import Progress
from events.topics import LIVE
from processors.worker import metrics
from runtime.errors import PixelpopError
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing

WAITING_MAX = 500
"""Progress records that may wait for their acks; beyond it new ones are given up."""
TICK_SECONDS = 1.5
"""How often a picture that is being drawn moves on."""
QUEUED_PERCENT = 0
DRAWING_PERCENT = 10
STORING_PERCENT = 90
_TYPE = ("ce_type", b"pixelpop.live.Progress.v1")
_SOURCE = ("ce_source", b"/pixelpop/worker")
_CONTENT = ("content-type", b"application/json")


class Live:
    """The live topic; nothing here ever blocks or fails a job."""

    def __init__(self, producer: LogProducer) -> None:
        self._producer = producer
        self._waiting: set[asyncio.Task[None]] = set()

    def tell(
        self, account_id: AccountId, generation_id: GenerationId, stage: str, percent: int
    ) -> None:
        """Send how far a generation is."""
        if len(self._waiting) >= WAITING_MAX:
            metrics.PROGRESS_DROPPED.inc()
            return
        progress = Progress(
            account_id=account_id, generation_id=generation_id, stage=stage, percent=percent
        )
        headers = (_TYPE, _SOURCE, _CONTENT, ("correlationid", generation_id.encode()))
        outgoing = Outgoing(account_id.encode(), msgspec.json.encode(progress), headers)
        task = asyncio.create_task(self._send(outgoing))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    @contextlib.asynccontextmanager
    async def drawing(
        self, account_id: AccountId, generation_id: GenerationId, expected_seconds: float
    ) -> AsyncIterator[None]:
        """Tell of a drawing inside, ever slower: nobody knows how long a model takes."""

        async def tick() -> None:
            seconds = 0.0
            while True:
                await asyncio.sleep(TICK_SECONDS)
                seconds += TICK_SECONDS
                part = 1 - math.exp(-seconds / max(expected_seconds, 1.0))
                percent = DRAWING_PERCENT + round((STORING_PERCENT - 5 - DRAWING_PERCENT) * part)
                self.tell(account_id, generation_id, "drawing", percent)

        self.tell(account_id, generation_id, "drawing", DRAWING_PERCENT)
        ticking = asyncio.create_task(tick())
        try:
            yield
        finally:
            ticking.cancel()

    async def _send(self, outgoing: Outgoing) -> None:
        try:
            await self._producer.append(LIVE, outgoing)
        except PixelpopError:
            metrics.PROGRESS_DROPPED.inc()
