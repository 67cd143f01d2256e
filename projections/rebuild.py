"""Fill a schema anew from the log beside the serving one, compare, swap, hand over.

Killed at any point, it goes on where it was: everything it knows is in the database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import structlog

from events.topics import EVENTS
from projections import offsets, schema
from projections.compare import Difference, compare, snapshot
from projections.errors import OwnershipLost, RebuildRefused
from projections.filling import Filling, Records
from projections.schema import Version
from runtime.kafka.consumer import LogLookup, PartitionReader, TopicPartition
from runtime.postgres.pool import Pool, transaction
from runtime.settings import Settings
from runtime.waiting import until

_log = structlog.get_logger(__name__)

NEAR_EVENTS: Final = 2_000
"""So near the end of the log, filling counts as done and comparing begins."""
FETCH_BYTES_MIN: Final = 500_000
QUEUE_EVENTS: Final = 15_000
BATCH_EVENTS: Final = 10_000
SERVING_SECONDS_MAX: Final = 60.0
"""How long the serving schema may take to come to where the new one is."""
HANDOVER_SECONDS_MAX: Final = 30.0
POLL_SECONDS: Final = 0.2

Report = Callable[[str, int, int], None]
"""Called with (what is being done, events done, events in all)."""


class Rebuilt(msgspec.Struct, frozen=True):
    """What a rebuild came to."""

    schema: str
    replaced: str | None
    """The schema that served before."""
    events: int
    """Filled by this run; a run that went on from another one counts its own."""
    rows_compared: int | None
    """None: there was nothing to compare with, or it was not asked for."""
    differences: list[Difference]
    """With any, nothing was swapped."""
    handed_over: bool
    """A projector keeps it up to date now."""


async def rebuild(
    settings: Settings,
    pool: Pool,
    report: Report,
    *,
    topic: str = EVENTS,
    without_comparison: bool = False,
) -> Rebuilt:
    """Rebuild every table; returns without having swapped when rows differ.

    Raises:
        RebuildRefused: the serving schema does not come to where the comparison begins, or another
            rebuild took over.
        CursorMismatch: an earlier run filled the new schema from another log.
    """
    await schema.ensure_home(pool)
    serving = next((v for v in await schema.existing(pool) if v.state == "serving"), None)
    version = await _begin(pool)
    work = _Rebuilding(settings, pool, report, version, topic)
    try:
        await work.start()
        await work.fill_to_the_end()
        await work.index()
        compared: int | None = None
        differences: list[Difference] = []
        same_log = None if without_comparison else serving
        if same_log is not None and same_log.is_ours:
            compared, differences = await work.compare(same_log)
        handed_over = False
        if not differences:
            await work.swap(same_log)
            handed_over = await work.hand_over()
        replaced = None if serving is None else serving.schema
        return Rebuilt(version.schema, replaced, work.events, compared, differences, handed_over)
    except OwnershipLost as error:
        raise RebuildRefused(f"Another rebuild of {version.schema} runs: {error}") from error
    finally:
        await work.stop()


async def _begin(pool: Pool) -> Version:
    """The schema that an earlier run began and this code can go on with, or a new one."""
    version = await schema.make(pool, "filling")
    if not version.is_ours:
        await schema.drop(pool, version)
        version = await schema.make(pool, "filling")
    return version


class _Rebuilding:
    """One run."""

    def __init__(
        self, settings: Settings, pool: Pool, report: Report, version: Version, topic: str
    ) -> None:
        self._settings = msgspec.structs.replace(settings, kafka_queue_records=QUEUE_EVENTS)
        self._pool = pool
        self._report = report
        self._version = version
        self._topic = topic
        self._partitions = range(settings.kafka_partitions)
        self._filling = Filling(
            self._settings, pool, version.schema, f"rebuild-{settings.slot}", topic=topic
        )
        self._reader: PartitionReader | None = None
        self._rest: Records = {}
        self._lookup = LogLookup(settings)
        self._looking = False
        self.events = 0

    async def start(self) -> None:
        starts = await self._filling.claim(self._partitions)
        self._reader = PartitionReader(
            self._settings,
            {(self._topic, partition): offset for partition, offset in starts.items()},
            name=f"rebuild-{self._version.schema}",
            fetch_min_bytes=FETCH_BYTES_MIN,
        )
        await self._reader.start()
        await self._lookup.__aenter__()
        self._looking = True

    async def stop(self) -> None:
        if self._reader is not None:
            await self._reader.stop()
        await self._filling.let_go()
        if self._looking:
            await self._lookup.__aexit__(None, None, None)

    async def fill_to_the_end(self) -> None:
        """Until what is left is little."""
        while True:
            ends = await self._ends()
            left = sum(ends[p] - at for p, at in self._filling.positions.items())
            if left <= NEAR_EVENTS:
                break
            await self._fill(ends, "filling")

    async def index(self) -> None:
        self._report("indexing", self.events, self.events)
        async with transaction(self._pool, search_path=self._version.schema) as connection:
            await schema.index(connection)

    async def compare(self, serving: Version) -> tuple[int, list[Difference]]:
        """Fill to exactly where a snapshot of the serving schema stands, and compare the two."""
        await self._wait_for(serving)
        async with snapshot(self._pool, serving.schema) as old:
            target = await old.offsets()
            await self._fill(target, "filling to where it is compared")
            self._report("comparing", self.events, self.events)
            async with snapshot(self._pool, self._version.schema) as new:
                reached = await new.offsets()
                assert all(reached[p] == target.get(p, 0) for p in reached), (reached, target)
                return await compare(old, new)

    async def swap(self, serving: Version | None) -> None:
        """Catch up with the serving schema, hold it there for an instant, and take its place.

        With None, whatever serves follows another log or nothing does: come to this log's end.
        """
        target = await self._ends() if serving is None else await self._at(serving)
        await self._fill(target, "catching up")
        async with transaction(self._pool) as connection:
            if serving is not None:
                await connection.execute(schema.QUERIES.set_search_path, serving.schema)
                rows = await connection.fetch(offsets.QUERIES.lock_all, offsets.PROJECTION)
                await self._fill({row["partition"]: row["next_offset"] for row in rows}, "swapping")
            await schema.swap(connection, self._version)
        _log.info("read schema swapped in", schema=self._version.schema)

    async def hand_over(self) -> bool:
        """Go on filling until a projector claims the partitions; False: none did in time."""
        assert self._reader is not None
        self._report("handing over", self.events, self.events)
        deadline = time.monotonic() + HANDOVER_SECONDS_MAX
        mine = self._filling.epochs
        try:
            while time.monotonic() < deadline:
                rest, self._rest = self._rest, {}
                records = rest or await self._reader.get(BATCH_EVENTS, POLL_SECONDS)
                await self._filling.take(records)
                await self._filling.flush()
                theirs = await self._epochs()
                if all(theirs[partition] > epoch for partition, epoch in mine.items()):
                    return True
        except OwnershipLost:
            return True
        return False

    async def _fill(self, target: Mapping[int, int], what: str) -> None:
        """Read on until every partition stands at `target`, or already stood behind it; write."""
        assert self._reader is not None
        ends = await self._ends()
        if any(end > ends.get(partition, 0) for partition, end in target.items()):
            raise RebuildRefused(
                f"The serving schema stands at {dict(target)}, but the log ends at {ends}: it "
                "belongs to another log. Pass --without-comparison to replace it."
            )
        total = self._left(target)
        while left := self._left(target):
            self._report(what, total - left, total)
            due = {tp: part for tp, part in self._rest.items() if _is_due(tp, part, target)}
            more = {} if due else await self._reader.get(BATCH_EVENTS)
            for tp, records in more.items():
                self._rest[tp] = self._rest.get(tp, []) + records
            now, self._rest = _cut(self._rest, target)
            self.events += sum(map(len, now.values()))
            await self._filling.take(now)
        await self._filling.flush()

    def _left(self, target: Mapping[int, int]) -> int:
        here = self._filling.positions
        return sum(max(0, end - here[p]) for p, end in target.items() if p in here)

    async def _wait_for(self, serving: Version) -> None:
        here = self._filling.positions

        async def passed() -> bool:
            at = await self._at(serving)
            return all(at.get(partition, 0) >= offset for partition, offset in here.items())

        try:
            await until(passed, SERVING_SECONDS_MAX, POLL_SECONDS, f"{serving.schema} to come on")  # type: ignore[arg-type]  # mypy cannot solve `Answer | Awaitable[Answer]`
        except TimeoutError as error:
            raise RebuildRefused(
                f"{serving.schema} stands still at {await self._at(serving)}, behind "
                f"{self._version.schema} at {here}, so they cannot be compared. Start a projector "
                "and run this again: it goes on where it is. Or pass --without-comparison."
            ) from error

    async def _at(self, version: Version) -> dict[int, int]:
        async with transaction(self._pool, search_path=version.schema) as connection:
            rows = await connection.fetch(offsets.QUERIES.list, offsets.PROJECTION)
        return {row["partition"]: row["next_offset"] for row in rows}

    async def _epochs(self) -> dict[int, int]:
        async with transaction(self._pool, search_path=self._version.schema) as connection:
            rows = await connection.fetch(offsets.QUERIES.list_epochs, offsets.PROJECTION)
        return {row["partition"]: row["epoch"] for row in rows}

    async def _ends(self) -> dict[int, int]:
        pairs = [(self._topic, partition) for partition in self._partitions]
        ends = await self._lookup.end_offsets(pairs)
        return {tp.partition: end for tp, end in ends.items()}


def _is_due(tp: TopicPartition, records: list[Any], target: Mapping[int, int]) -> bool:
    return bool(records[0].offset < target.get(tp.partition, 0))


def _cut(records: Records, target: Mapping[int, int]) -> tuple[Records, Records]:
    """What stands before `target` and what does not; neither has an empty list."""
    now: Records = {}
    later: Records = {}
    for tp, part in records.items():
        end = target.get(tp.partition, 0)
        before = part if part[-1].offset < end else [one for one in part if one.offset < end]
        if before:
            now[tp] = before
        if len(before) < len(part):
            later[tp] = part[len(before) :]
    return now, later
