"""What leaves the decider besides decisions: jobs for the workers, and dead letters.

Side effects start from the jobs topic alone, and a job is put there only after its reservation was
read back as counted. Putting it there twice is harmless (claims, design §4), losing it is not: so
it stays here until it is acked, and a restarted decider dispatches what has no result.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable
from itertools import islice

import structlog

from events.generations import GenerationCompleted
from events.topics import EVENTS, JOBS
from processors import dlq
from processors.decider import metrics
from processors.decider.effects import Dispatch, Poisoned
from processors.decider.log import Log
from processors.decider.outgoing import discard_job, generate_job
from runtime.errors import PixelpopError
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing

_log = structlog.get_logger(__name__)

BATCH_JOBS = 1_000
WAITING_MAX = 50_000
"""Beyond it the decider stops reading until jobs were acked."""
RETRY_SECONDS_MAX = 5.0


class Dispatcher:
    """A bounded queue of jobs and dead letters, appended in order and retried until acked."""

    def __init__(self, producer: LogProducer, log: Log) -> None:
        self._producer = producer
        self._log_reader = log
        self._jobs: deque[Outgoing] = deque()
        self._dead: deque[tuple[int, Poisoned]] = deque()
        self._wake = asyncio.Event()
        self._progress = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    async def room(self) -> None:
        """Wait until fewer than `WAITING_MAX` are queued; the reader calls it every turn."""
        while len(self._jobs) + len(self._dead) >= WAITING_MAX:
            self._progress.clear()
            await self._progress.wait()

    def add_jobs(self, dispatches: Iterable[Dispatch]) -> None:
        """Queue the jobs of admitted generations."""
        self._jobs.extend(map(generate_job, dispatches))
        self._woken()

    def add_discard(self, event: GenerationCompleted) -> None:
        """Queue the removal of objects that came too late to be anybody's."""
        self._jobs.append(discard_job(event))
        self._woken()

    def add_dead_letter(self, partition: int, poisoned: Poisoned) -> None:
        """Queue a record of the log that is no event."""
        self._dead.append((partition, poisoned))
        self._woken()

    def _woken(self) -> None:
        self._wake.set()
        self._idle.clear()

    async def run(self) -> None:
        """Append what is queued, until cancelled; failures are retried with backoff."""
        pause = 0.0
        while True:
            await self._wake.wait()
            try:
                await self._send_jobs()
                await self._send_dead_letters()
            except PixelpopError as error:
                pause = min(RETRY_SECONDS_MAX, max(0.05, pause * 2))
                _log.warning(
                    "jobs were not appended, trying again",
                    waiting=len(self._jobs),
                    code=error.code,
                    reason=str(error),
                    pause_seconds=pause,
                )
                await asyncio.sleep(pause)
                continue
            pause = 0.0
            if not self._jobs and not self._dead:
                self._wake.clear()
                self._idle.set()

    async def _send_jobs(self) -> None:
        partitions = await self._producer.partitions(JOBS)
        while self._jobs:
            batch = list(islice(self._jobs, BATCH_JOBS))
            by_partition: dict[int, list[Outgoing]] = defaultdict(list)
            for record in batch:
                by_partition[_partition_of(record.key, partitions)].append(record)
            results = await asyncio.gather(
                *(
                    self._producer.append_batch(JOBS, partition, records)
                    for partition, records in by_partition.items()
                ),
                return_exceptions=True,
            )
            for result in results:
                if isinstance(result, BaseException):
                    raise result
            for _ in batch:
                self._jobs.popleft()
            metrics.JOBS.labels("all").inc(len(batch))
            metrics.JOBS_WAITING.set(len(self._jobs))
            self._progress.set()

    async def _send_dead_letters(self) -> None:
        while self._dead:
            partition, poisoned = self._dead[0]
            record = await self._log_reader.record_at(EVENTS, partition, poisoned.offset)
            if record is not None:
                await dlq.write(
                    self._producer, record, code="poison", error=poisoned.reason, attempts=1
                )
            self._dead.popleft()
            self._progress.set()

    async def drained(self) -> None:
        """Wait until everything that was queued is acked."""
        await self._idle.wait()


def _partition_of(key: bytes, partitions: int) -> int:
    """Where a job goes: its key is a UUIDv5, spread evenly as it is.

    Hashing it again, as Kafka's partitioner does, would cost a decision as much as its hash chain.
    Nothing depends on where a job stands; one that an operator puts back may stand elsewhere.
    """
    return int(key[:8], 16) % partitions
