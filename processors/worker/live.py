"""Progress for people who are watching: sent without waiting, given up without regret."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import math
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import Executor
from typing import Any
from uuid import UUID

import msgspec
import structlog

from events.base import Sealed
from events.ids import AccountId, GenerationId
from events.live import PartialPreview, Progress, partial_id
from events.topics import LIVE
from processors.images import UnusableImage
from processors.pictures.partial import small
from processors.worker import metrics
from processors.worker.pace import Pace
from runtime.crypto.keys import AccountKeys
from runtime.crypto.sealing import seal
from runtime.errors import PixelpopError
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing

_log = structlog.get_logger(__name__)

WAITING_MAX = 500
"""Records that may be made or wait for their acks; beyond it new ones are given up."""
TICK_SECONDS = 1.5
"""How often a picture that is being drawn moves on."""
QUEUED_PERCENT = 0
DRAWING_PERCENT = 10
STORING_PERCENT = 90
_SOURCE = ("ce_source", b"/pixelpop/worker")
_CONTENT = ("content-type", b"application/json")


class Live:
    """The live topic; nothing here ever blocks or fails a job."""

    def __init__(
        self,
        producer: LogProducer,
        keys: AccountKeys | None = None,
        executor: Executor | None = None,
    ) -> None:
        self._producer = producer
        self._keys = keys
        self._executor = executor
        self._waiting: set[asyncio.Task[None]] = set()
        self._paces: dict[GenerationId, Pace] = {}

    def tell(
        self, account_id: AccountId, generation_id: GenerationId, stage: str, percent: int
    ) -> None:
        """Send how far a generation is; at most `pace.A_SECOND_MAX` a second, the newest last."""
        self._offer(
            Progress(
                account_id=account_id, generation_id=generation_id, stage=stage, percent=percent
            )
        )

    def show(
        self, account_id: AccountId, generation_id: GenerationId, index: int, data: bytes
    ) -> None:
        """Send a picture that is still being made, as its provider shows it."""
        if self._keys is not None and self._executor is not None:
            self._begin(self._show(account_id, generation_id, index, data))

    def over(self, generation_id: GenerationId) -> None:
        """The job is over: what still waits to be told of it is given up."""
        pace = self._paces.pop(generation_id, None)
        if pace is not None:
            pace.end()

    def _offer(self, told: Progress | PartialPreview) -> None:
        pace = self._paces.get(told.generation_id)
        if pace is None:
            pace = self._paces[told.generation_id] = Pace(self._tell)
        pace.offer(told)

    def _tell(self, told: Any) -> None:
        kind = f"pixelpop.live.{type(told).__struct_config__.tag}".encode()
        about = ("correlationid", told.generation_id.encode())
        headers = (("ce_type", kind), _SOURCE, _CONTENT, about)
        outgoing = Outgoing(told.account_id.encode(), msgspec.json.encode(told), headers)
        self._begin(self._send(outgoing))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        if len(self._waiting) >= WAITING_MAX:
            work.close()
            metrics.PROGRESS_DROPPED.inc()
            return
        task = asyncio.create_task(work)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _show(
        self, account_id: AccountId, generation_id: GenerationId, index: int, data: bytes
    ) -> None:
        assert self._keys is not None
        try:
            loop = asyncio.get_running_loop()
            shown = await loop.run_in_executor(self._executor, small, data)
            key = await self._keys.get(UUID(account_id))
        except UnusableImage as error:
            _log.info("a provider showed what cannot be shown", error=str(error))
            return
        except (PixelpopError, RuntimeError):  # the key is gone or not to be had, or we stop
            metrics.PROGRESS_DROPPED.inc()
            return
        image = seal(
            key,
            base64.b64encode(shown).decode(),
            account_id=UUID(account_id),
            event_id=UUID(partial_id(generation_id, index)),
            field="image",
        )
        if generation_id in self._paces:  # else the job is over, and its pictures are there
            self._offer(
                PartialPreview(
                    account_id=account_id,
                    generation_id=generation_id,
                    index=index,
                    image=Sealed(image),
                )
            )

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
