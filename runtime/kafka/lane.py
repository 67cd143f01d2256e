"""One partition's queue: order, batches, deadlines, and what a failed batch means to each append.

Appends wait here in the order in which they were made. aiokafka is only ever handed whole, closed
batches, so this side always knows what was not sent (`LogOverloaded`) and what may have been
(`AppendUnknown`). aiokafka's own queue would know neither, and lets late senders overtake those
that wait for room.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from functools import partial

import structlog
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from runtime.kafka import metrics
from runtime.kafka.clients import RETRY_SECONDS_MIN, Client, Clients
from runtime.kafka.errors import AppendRefused, AppendUnknown, LogError, LogOverloaded
from runtime.kafka.records import Position
from runtime.kafka.submissions import Batch, Part, Submission, fill
from runtime.kafka.verdicts import Verdict, client_is_broken, verdict

_log = structlog.get_logger(__name__)

BATCHES_MAX = 2
"""Batches under way per partition: one at the broker and a full one ready to follow it."""


class Lane:
    """The queue of one partition.

    Args:
        topic: where the records go.
        partition: where the records go.
        clients: gives the Kafka client to use.
        batch_bytes: a second batch is made ready once this much waits.
        release: called with each submission that is over, to give its room back.
        observe: called with each ack's broker time (ms) and when its batch was sent (s).
    """

    def __init__(
        self,
        topic: str,
        partition: int,
        clients: Clients,
        *,
        batch_bytes: int,
        release: Callable[[Submission], None],
        observe: Callable[[int, float], None],
    ) -> None:
        self.topic = topic
        self.partition = partition
        self._clients = clients
        self._batch_bytes = batch_bytes
        self._release = release
        self._observe = observe
        self.loop = asyncio.get_running_loop()
        self._queue: deque[Submission] = deque()
        self._queued_bytes = 0
        self._pending: deque[Submission] = deque()  # without an outcome, by deadline
        self._under_way: list[Batch] = []
        self._returned: list[Batch] = []  # not in the log, to be queued again
        self._refusing: Client | None = None
        self._batches = 0
        self._pump_task: asyncio.Task[None] | None = None
        self._progress = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._appended = metrics.APPENDED.labels(topic)
        self._ack_seconds = metrics.ACK_SECONDS.labels(topic)
        self._batch_records = metrics.BATCH_RECORDS.labels(topic)

    def submit(self, submission: Submission) -> None:
        """Queue it. Deadlines must not decrease from one call to the next."""
        self._queue.append(submission)
        self._queued_bytes += submission.size
        self._pending.append(submission)
        if self._timer is None:
            self._timer = self.loop.call_at(submission.deadline, self._expire)
        self._kick()

    def stalled_seconds(self) -> float:
        """How long the oldest batch has been under way; 0 when none is."""
        return time.monotonic() - self._under_way[0].sent_at if self._under_way else 0.0

    async def stop(self) -> None:
        """Give everything that is left an outcome, and send nothing more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._pump_task is not None:
            self._pump_task.cancel()
            await asyncio.wait([self._pump_task])
        for submission in self._pending:
            self._too_late(submission)

    # Sending.

    def _kick(self) -> None:
        if self._pump_task is None:
            if self._queue:
                self._pump_task = self.loop.create_task(self._pump())
        elif self._may_send():
            self._progress.set()

    def _may_send(self) -> bool:
        if self._returned:
            return False  # order: what came back goes first, once nothing is under way
        if not self._under_way:
            return True
        return len(self._under_way) < BATCHES_MAX and self._queued_bytes >= self._batch_bytes

    async def _pump(self) -> None:
        try:
            while True:
                self._purge()
                if not self._queue:
                    return
                client = await self._clients.current()
                old = any(batch.client is not client for batch in self._under_way)
                if old or not self._may_send():
                    self._progress.clear()
                    await self._progress.wait()
                    continue
                builder, parts = self._fill(client)
                if parts and not await self._hand_over(client, builder, parts):
                    await asyncio.sleep(RETRY_SECONDS_MIN)
        finally:
            self._pump_task = None

    def _fill(self, client: Client) -> tuple[BatchBuilder, list[Part]]:
        builder = client.producer.create_batch()
        parts = fill(builder, self._queue)
        builder.close()  # or aiokafka would add other records to it
        for part in parts:
            if not part.submission.queued:
                self._queued_bytes -= part.submission.size
        return builder, parts

    async def _hand_over(self, client: Client, builder: BatchBuilder, parts: list[Part]) -> bool:
        """Give a batch to aiokafka; whether it was taken."""
        self._batches += 1
        batch = Batch(self._batches, client, parts, time.monotonic())
        self._under_way.append(batch)
        self._clients.took(client)
        try:
            # When this raises, the batch was not taken: aiokafka 0.14 queues it last of all.
            future = await client.producer.send_batch(builder, self.topic, partition=self.partition)
        except BaseException as error:
            self._finish(batch)
            self._bring_back(batch)
            if isinstance(error, Exception) and client_is_broken(error):
                self._clients.retire(client, repr(error))
            self._after_settling(batch)
            if not isinstance(error, Exception):
                raise
            _log.warning("batch not taken by kafka client", topic=self.topic, error=repr(error))
            return False
        self._batch_records.observe(batch.size)
        future.add_done_callback(partial(self._settle, batch))
        return True

    # Outcomes.

    def _settle(self, batch: Batch, future: asyncio.Future[RecordMetadata]) -> None:
        self._finish(batch)
        error = future.exception()
        if error is not None:
            self._failed(batch, error)
        elif (found := future.result()).offset < 0:
            # The broker has the batch from an earlier try, too long ago to know where.
            self._give_up_all(batch, AppendUnknown, "Its place in the log is not known.")
        else:
            self._acked(batch, found.offset, found.timestamp)
        self._after_settling(batch)

    def _acked(self, batch: Batch, base: int, appended_at_ms: int) -> None:
        partition = self.partition
        for submission, start, stop in batch.parts:
            count = stop - start
            submission.add(Position(partition, base, appended_at_ms), count)
            base += count
        self._appended.inc(batch.size)
        self._ack_seconds.observe(time.monotonic() - batch.sent_at)
        if appended_at_ms >= 0:
            self._observe(appended_at_ms, batch.sent_at)

    def _failed(self, batch: Batch, error: BaseException) -> None:
        said = verdict(error)
        followed_refused = self._refusing is batch.client
        if said is Verdict.REFUSED:
            self._refusing = batch.client
        if said is Verdict.REFUSED and len(batch.parts) == 1:
            self._give_up_all(batch, AppendRefused, f"The broker refused it: {error!r}.")
        elif said is Verdict.REFUSED:
            for part in batch.parts:  # each goes again on its own, so that only the bad one fails
                part.submission.alone = True
            self._bring_back(batch)
        elif said is Verdict.OUT_OF_ORDER and followed_refused:
            self._bring_back(batch)  # the broker waits for the refused one's numbers: it has none
        else:
            self._give_up_all(batch, AppendUnknown, f"The outcome is not known: {error!r}.")
        self._clients.retire(batch.client, repr(error))

    def _give_up_all(self, batch: Batch, kind: type[LogError], reason: str) -> None:
        for part in batch.parts:
            self._give_up(part.submission, kind, reason)

    def _give_up(self, submission: Submission, kind: type[LogError], reason: str) -> None:
        if not submission.future.done():
            metrics.FAILED.labels(self.topic, kind.code).inc()
            submission.fail(kind, f"Append to {self.topic}/{self.partition}: {reason}")

    def _finish(self, batch: Batch) -> None:
        self._under_way.remove(batch)
        for part in batch.parts:
            part.submission.in_flight -= 1

    def _bring_back(self, batch: Batch) -> None:
        self._returned.append(batch)
        for submission, start, _ in batch.parts:
            submission.queued = True
            submission.sent = min(submission.sent, start)

    def _after_settling(self, batch: Batch) -> None:
        for part in batch.parts:
            if part.submission.over:
                self._release(part.submission)
        if self._returned and not self._under_way:
            self._queue_again()
        while self._pending and self._pending[0].future.done():
            self._pending.popleft()
        self._clients.settled(batch.client)
        self._kick()

    def _queue_again(self) -> None:
        for batch in sorted(self._returned, reverse=True):
            for part in reversed(batch.parts):
                submission = part.submission
                if not (self._queue and self._queue[0] is submission):
                    self._queue.appendleft(submission)
                    self._queued_bytes += submission.size
        self._returned.clear()

    def _purge(self) -> None:
        """Drop what waits at the head and has an outcome: it came too late or was cancelled."""
        while self._queue and self._queue[0].future.done():
            submission = self._queue.popleft()
            self._queued_bytes -= submission.size
            submission.queued = False
            if submission.over:
                self._release(submission)

    def _expire(self) -> None:
        now = self.loop.time()
        while self._pending and (
            self._pending[0].future.done() or self._pending[0].deadline <= now
        ):
            self._too_late(self._pending.popleft())
        self._purge()
        self._timer = (
            self.loop.call_at(self._pending[0].deadline, self._expire) if self._pending else None
        )

    def _too_late(self, submission: Submission) -> None:
        if submission.sent:
            self._give_up(submission, AppendUnknown, "no answer from the broker in time.")
        else:
            self._give_up(submission, LogOverloaded, "the broker did not take it in time.")
