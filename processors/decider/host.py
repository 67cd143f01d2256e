"""Drives the partitions that this process owns: read, fold, decide, append, dispatch.

One event loop, no locks: folding and deciding are synchronous, appends and jobs are tasks. The
order of appends to a partition is the order of the decisions; what an append's failure leaves
behind is dropped speculation, and deciding again is always safe (the chain picks one winner).
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from commands.policy import DEFAULT, Policy
from events.recorded import hash_value
from events.snapshot import Cursor
from events.topics import EVENTS
from processors.decider import metrics, snapshots
from processors.decider.dispatch import Dispatcher
from processors.decider.effects import Discard, Dispatch, Effect, Poisoned, Voided
from processors.decider.hosted import Hosted
from processors.decider.log import Log
from processors.decider.outgoing import decisions
from processors.decider.partition import Draft, LogRecord, Partition
from runtime.errors import PixelpopError, StartError
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.objects import ObjectStore
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

DECISIONS_PER_TURN = 1_000
"""How many decisions one partition takes before the others, and the reader, get their turn."""
DISCARD_AGE_MS_MAX = 86_400_000
"""Objects of a result that came late are removed if it is younger; a decider that was away for
longer leaves them to the erasure of their account."""
UNACKED_MAX = 10_000
"""Own decisions of all partitions that were not acked; a fraction of what the producer buffers."""


class LogCutOff(StartError):
    """Facts at the beginning of the log are gone, and nothing stands in for them."""

    code = "log-cut-off"


class Host:
    """The decider of the partitions that the consumer group assigns to this process."""

    def __init__(
        self,
        settings: Settings,
        *,
        log: Log,
        producer: LogProducer,
        dispatcher: Dispatcher,
        objects: ObjectStore,
        clock: BrokerClock,
        policy: Policy = DEFAULT,
    ) -> None:
        self._settings = settings
        self._log_reader = log
        self._producer = producer
        self._dispatcher = dispatcher
        self._objects = objects
        self._clock = clock
        self._policy = policy
        self.hosted: dict[int, Hosted] = {}
        self._unacked = 0
        self._parked: dict[int, Partition] = {}

    # Ownership ---------------------------------------------------------------------------------

    async def assigned(self, partitions: Sequence[int]) -> Mapping[int, int]:
        """Take partitions over: load what matches the log; returns where reading goes on."""
        parked, self._parked = self._parked, {}
        for number in partitions:
            partition = parked.pop(number, None) or await self._load(number)
            _, end = await self._log_reader.bounds(EVENTS, number)
            self.hosted[number] = Hosted(partition, number, end)
            _log.info(
                "partition assigned", partition=number, next_offset=partition.next_offset, end=end
            )
        for number in partitions:
            hosted = self.hosted[number]
            if hosted.partition.next_offset >= hosted.caught_up_at:
                self._go_live(hosted)
        return {number: self.hosted[number].partition.next_offset for number in partitions}

    async def _load(self, number: int) -> Partition:
        found = await snapshots.load(self._objects, EVENTS, number, self._log_reader.value_at)
        if found is not None:
            return Partition(found.accounts, next_offset=found.next_offset, policy=self._policy)
        beginning, _ = await self._log_reader.bounds(EVENTS, number)
        if beginning > 0:
            raise LogCutOff(
                f"{EVENTS}/{number} begins at offset {beginning}, and no snapshot reaches back to"
                " what is gone. Restore the topic, or a snapshot of it, from its backup."
            )
        return Partition(policy=self._policy)

    async def revoked(self, partitions: Sequence[int]) -> None:
        """Let partitions go; appends in flight may still land, and the chain judges them.

        Their confirmed state is parked until the next assignment: it stays a true fold of the
        log, so a partition that comes back at once need not be read again.
        """
        for number in partitions:
            hosted = self.hosted.pop(number, None)
            if hosted is None:
                continue
            if hosted.snapshot is not None:
                hosted.snapshot.cancel()
            hosted.partition.drop_overlays()
            self._parked[number] = hosted.partition
            _log.info("partition revoked", partition=number)

    def _go_live(self, hosted: Hosted) -> None:
        """The end of the log is read: decide what is undecided, dispatch what has no result."""
        hosted.live = True
        open_jobs = hosted.partition.take_over()
        self._dispatcher.add_jobs(open_jobs)
        # What was folded until now stays, and holds no cycles: the collector need not look again.
        gc.freeze()
        _log.info(
            "partition live",
            partition=hosted.number,
            accounts=len(hosted.partition.accounts),
            open_jobs=len(open_jobs),
        )

    # The loop ----------------------------------------------------------------------------------

    def fold(self, number: int, records: Sequence[LogRecord]) -> None:
        """Fold what was read of one partition and carry out what follows."""
        hosted = self.hosted.get(number)
        if hosted is None or not records:
            return
        effects = hosted.partition.fold(records)
        if hosted.live:
            self._clock.observe(records[-1].timestamp)
        self._carry_out(hosted, effects)
        if not hosted.live and hosted.partition.next_offset >= hosted.caught_up_at:
            self._go_live(hosted)
        metrics.ACCOUNTS.labels(str(number)).set(len(hosted.partition.accounts))
        self._maybe_snapshot(hosted)

    def decide(self) -> bool:
        """Let every partition decide what is due; False if there was nothing to do."""
        now_ms = self._clock.now_ms()
        busy = False
        for hosted in self.hosted.values():
            if self._unacked >= UNACKED_MAX:
                break
            if not hosted.may_decide():
                continue
            drafts = hosted.partition.decide(now_ms, DECISIONS_PER_TURN)
            if drafts:
                busy = True
                self._unacked += len(drafts)
                task = asyncio.create_task(self._append(hosted, drafts, now_ms))
                hosted.appends.add(task)
                task.add_done_callback(hosted.appends.discard)
        return busy

    def next_due_ms(self) -> int | None:
        """When time alone will make something due in any live partition."""
        instants = [
            hosted.partition.next_due_ms
            for hosted in self.hosted.values()
            if hosted.live and hosted.partition.next_due_ms is not None
        ]
        return min(instants, default=None)

    async def _append(self, hosted: Hosted, drafts: list[Draft], now_ms: int) -> None:
        records = decisions(drafts, now_ms)
        try:
            await self._producer.append_batch(EVENTS, hosted.number, records)
        except PixelpopError as error:
            pause = hosted.back_off()
            hosted.partition.failed(drafts)
            metrics.FAILED_APPENDS.labels(error.code).inc()
            _log.warning(
                "decisions were not appended for sure, deciding again",
                partition=hosted.number,
                decisions=len(drafts),
                code=error.code,
                reason=str(error),
                pause_seconds=pause,
            )
            return
        finally:
            self._unacked -= len(drafts)
        hosted.failures = 0
        metrics.DECISIONS.inc(len(drafts))

    def _carry_out(self, hosted: Hosted, effects: list[Effect]) -> None:
        jobs = []
        for effect in effects:
            if type(effect) is Dispatch:
                jobs.append(effect)
            elif type(effect) is Voided:
                metrics.VOIDS.labels(effect.reason.value).inc()
                _log.warning(
                    "a decision in the log is void",
                    partition=hosted.number,
                    offset=effect.offset,
                    account_id=effect.account_id,
                    reason=effect.reason.value,
                    own=effect.own,
                )
            elif type(effect) is Discard:
                # A log that is read again from its beginning must not delete again.
                if self._clock.now_ms() - effect.event.occurred_at_ms < DISCARD_AGE_MS_MAX:
                    self._dispatcher.add_discard(effect.event)
            elif type(effect) is Poisoned:
                self._report_poison(hosted, effect)
        if jobs and hosted.live:  # before that, `take_over` finds what is still open
            self._dispatcher.add_jobs(jobs)

    def _report_poison(self, hosted: Hosted, effect: Poisoned) -> None:
        metrics.POISON.labels("frozen" if effect.frozen else "dead_letter").inc()
        if effect.frozen is not None:
            _log.error(
                "account frozen: its chain or money cannot be read by this version; upgrade it",
                partition=hosted.number,
                offset=effect.offset,
                account_id=effect.frozen,
                reason=effect.reason,
            )
        else:
            self._dispatcher.add_dead_letter(hosted.number, effect)

    # Snapshots ---------------------------------------------------------------------------------

    def _maybe_snapshot(self, hosted: Hosted) -> None:
        behind = hosted.partition.next_offset - hosted.snapshot_offset
        if behind >= self._settings.decider_snapshot_every_records and hosted.snapshot is None:
            self._start_snapshot(hosted)

    def _start_snapshot(self, hosted: Hosted) -> asyncio.Task[None] | None:
        partition = hosted.partition
        if partition.last_value is None:
            return None
        cursor = Cursor(
            topic=EVENTS,
            partition=hosted.number,
            next_offset=partition.next_offset,
            hash_before=hash_value(partition.last_value),
        )
        accounts = dict(partition.accounts)  # the states themselves are immutable
        hosted.snapshot_offset = partition.next_offset
        hosted.snapshot = asyncio.create_task(self._save(hosted, cursor, accounts))
        return hosted.snapshot

    async def _save(self, hosted: Hosted, cursor: Cursor, accounts: dict[Any, Any]) -> None:
        started = time.monotonic()
        try:
            size = await snapshots.save(self._objects, cursor, accounts)
        except PixelpopError as error:
            _log.warning("snapshot not stored", partition=hosted.number, reason=str(error))
        else:
            _log.info(
                "snapshot stored",
                partition=hosted.number,
                next_offset=cursor.next_offset,
                accounts=len(accounts),
                size_bytes=size,
                seconds=round(time.monotonic() - started, 3),
            )
        finally:
            hosted.snapshot = None

    async def close(self) -> None:
        """Wait for appends in flight and leave snapshots for the next start."""
        for hosted in list(self.hosted.values()):
            if hosted.appends:
                await asyncio.wait(hosted.appends)
            if hosted.snapshot is not None:
                await hosted.snapshot
            if hosted.partition.next_offset > hosted.snapshot_offset:
                last = self._start_snapshot(hosted)
                if last is not None:
                    await last
