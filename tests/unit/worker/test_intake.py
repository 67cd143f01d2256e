"""Claims about the intake: bounds, joining, assignments, and what stops it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import pytest

from events.ids import AccountId, GenerationId, derive
from events.jobs import DiscardJob, encode_job
from processors.worker.intake import Intake, RecordsSkipped
from processors.worker.work import Delivery, Poison, Work, work_of
from runtime.waiting import until

ACCOUNT = AccountId("0a000000-0000-4000-8000-000000000001")


def id_of(name: str) -> GenerationId:
    """The generation that a test calls by this name."""
    return GenerationId(derive(name))


class Bench:
    """An intake whose work waits until the test lets it end."""

    def __init__(self, *, jobs_max: int = 10, window_max: int = 10) -> None:
        self.begun: list[str] = []
        self.acked: list[tuple[int, int]] = []
        self.gaps: list[tuple[int, int | None]] = []
        self._ends: dict[str, asyncio.Future[None]] = {}
        self.intake = Intake(
            work_of, self._perform, self._check, jobs_max=jobs_max, window_max=window_max
        )

    async def _perform(self, work: Work, _: Delivery) -> None:
        self.begun.append(work.identity)
        future = asyncio.get_running_loop().create_future()
        self._ends[work.identity] = future
        await future

    async def _check(self, delivery: Delivery, last: int | None) -> None:
        self.gaps.append((delivery.offset, last))

    async def end(self, name: str, error: Exception | None = None) -> None:
        """Let the work of that name end."""
        identity = self.identity(name)
        await until(lambda: identity in self._ends, 5, what=f"{name} to begin")
        if error is None:
            self._ends.pop(identity).set_result(None)
        else:
            self._ends.pop(identity).set_exception(error)

    def delivery(self, name: str, offset: int, *, assignment: int = 1, partition: int = 0):
        """A delivery of the job of that name."""
        key, value = self.record(name)
        return Delivery(
            topic="jobs",
            partition=partition,
            offset=offset,
            assignment=assignment,
            appended_at_ms=0,
            key=key,
            value=value,
            headers=(),
            ack=lambda: self.acked.append((partition, offset)),
        )

    @staticmethod
    def record(name: str) -> tuple[bytes, bytes]:
        job = DiscardJob(account_id=ACCOUNT, generation_id=id_of(name), object_keys=())
        return id_of(name).encode(), encode_job(job)

    def identity(self, name: str) -> str:
        return work_of(self.delivery(name, 0)).identity

    async def settled(self, condition: Callable[[], object], what: str) -> None:
        await until(condition, 5, 0.001, what=what)


async def test_work_runs_at_once_and_is_acked_in_order() -> None:
    """The second job may end first; it is acked after the first."""
    bench = Bench()
    await bench.intake.take(bench.delivery("a", 5))
    await bench.intake.take(bench.delivery("b", 6))
    await bench.end("b")
    await bench.settled(lambda: bench.intake.finished == 1, "b")
    assert bench.acked == []
    await bench.end("a")
    await bench.settled(lambda: bench.acked == [(0, 5), (0, 6)], "both acks")


async def test_partitions_do_not_wait_for_each_other() -> None:
    """A slow job of one partition holds back no ack of another."""
    bench = Bench()
    await bench.intake.take(bench.delivery("slow", 5, partition=0))
    await bench.intake.take(bench.delivery("quick", 9, partition=1))
    await bench.end("quick")
    await bench.settled(lambda: bench.acked == [(1, 9)], "the ack")


async def test_no_more_runs_than_there_are_slots() -> None:
    """What was taken waits for a free slot; beyond the window nothing is taken."""
    bench = Bench(jobs_max=1, window_max=2)
    await bench.intake.take(bench.delivery("a", 1))
    await bench.intake.take(bench.delivery("b", 2))
    taking = asyncio.create_task(bench.intake.take(bench.delivery("c", 3)))
    await bench.settled(lambda: bench.begun == [bench.identity("a")], "a")
    assert not taking.done()
    await bench.end("a")
    await taking
    await bench.end("b")
    await bench.settled(lambda: len(bench.acked) == 2, "both acks")
    await bench.end("c")
    await bench.settled(lambda: len(bench.acked) == 3, "all acks")


async def test_the_same_work_in_a_new_assignment_is_joined() -> None:
    """A redelivered job that still runs is not begun again; only the new delivery is acked."""
    bench = Bench()
    old, new = bench.delivery("a", 5, assignment=1), bench.delivery("a", 5, assignment=2)
    acked: list[str] = []
    old = _acking(old, lambda: acked.append("old"))
    new = _acking(new, lambda: acked.append("new"))
    await bench.intake.take(old)
    bench.intake.revoke({("jobs", 0)})
    await bench.intake.take(new)
    await bench.end("a")
    await bench.settled(lambda: acked, "an ack")
    assert acked == ["new"]
    assert bench.begun == [bench.identity("a")]


async def test_what_belongs_to_an_old_assignment_is_ignored() -> None:
    """A delivery that comes after a newer assignment's was meant for nobody."""
    bench = Bench()
    await bench.intake.take(bench.delivery("a", 5, assignment=2))
    await bench.intake.take(bench.delivery("b", 4, assignment=1))
    await bench.settled(lambda: bench.begun, "a")
    assert bench.begun == [bench.identity("a")]


async def test_a_new_assignment_without_a_revocation_ends_the_old_one() -> None:
    """Even if nobody said so, what ran for the older assignment is never acked."""
    bench = Bench()
    await bench.intake.take(bench.delivery("a", 5, assignment=1))
    await bench.settled(lambda: bench.begun, "a")
    await bench.intake.take(bench.delivery("b", 6, assignment=2))
    await bench.end("a")
    await bench.end("b")
    await bench.settled(lambda: bench.acked == [(0, 6)], "the ack of b")


async def test_every_jump_of_offsets_is_checked() -> None:
    """The first delivery of an assignment and each that does not follow its forerunner."""
    bench = Bench()
    for offset in (5, 6, 9):
        await bench.intake.take(bench.delivery(f"job{offset}", offset))
    await bench.intake.take(bench.delivery("job9", 9, assignment=2))
    assert bench.gaps == [(5, None), (9, 6), (9, None)]


async def test_skipped_records_stop_the_worker() -> None:
    """When the check finds a record in the gap, nothing more is taken."""
    bench = Bench()

    async def check(delivery: Delivery, last: int | None) -> None:
        raise RecordsSkipped("5 comes before it")

    bench.intake._check_gap = check
    await bench.intake.take(bench.delivery("a", 6))
    with pytest.raises(RecordsSkipped):
        await bench.intake.failed
    assert bench.begun == []


async def test_an_exception_stops_the_worker_without_the_ack() -> None:
    """Work that raises is not acked, nor is what comes after it, and the failure is handed on."""
    bench = Bench()
    await bench.intake.take(bench.delivery("a", 5))
    await bench.intake.take(bench.delivery("b", 6))
    await bench.end("b")
    await bench.end("a", ValueError("no log"))
    with pytest.raises(ValueError, match="no log"):
        await bench.intake.failed
    assert bench.acked == []
    await bench.intake.take(bench.delivery("c", 7))
    assert len(bench.begun) == 2


async def test_draining_waits_for_what_runs_and_takes_nothing_more() -> None:
    """While draining nothing new begins; what runs ends and is acked."""
    bench = Bench()
    await bench.intake.take(bench.delivery("a", 5))
    await bench.settled(lambda: bench.begun, "a")
    draining = asyncio.create_task(bench.intake.drain(5))
    await asyncio.sleep(0)
    await bench.intake.take(bench.delivery("b", 6))
    await bench.end("a")
    assert await draining
    await bench.settled(lambda: bench.acked == [(0, 5)], "the ack")
    assert len(bench.begun) == 1


async def test_what_does_not_end_in_time_is_abandoned_without_the_ack() -> None:
    """A drain is bounded, and abandoning acks nothing."""
    bench = Bench()
    await bench.intake.take(bench.delivery("a", 5))
    await bench.settled(lambda: bench.begun, "a")
    assert not await bench.intake.drain(0.01)
    await bench.intake.abandon()
    assert bench.intake.running == 0
    assert bench.acked == []
    assert not bench.intake.failed.done()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"a", None),
        (b"a", b""),
        (b"a", b"{"),
        (b"a", b"\xff\xfe"),
        (b"a", b'{"type":"Generate.v9"}'),
        (b"a", b'{"type":"Discard.v1"}'),
        (b"another", Bench.record("a")[1]),
        (None, Bench.record("a")[1]),
    ],
)
def test_what_is_no_job_is_poison(key: bytes | None, value: bytes | None) -> None:
    """Missing, broken, unknown and misfiled records are poison, and never an exception."""
    delivery = Delivery("jobs", 3, 7, 1, 0, key, value, (), lambda: None)
    work = work_of(delivery)
    assert isinstance(work.content, Poison)
    assert work.identity == "jobs/3/7"


def _acking(delivery: Delivery, ack: Callable[[], None]) -> Delivery:
    from msgspec.structs import replace

    return replace(delivery, ack=ack)


async def test_a_failure_that_nobody_waits_for_any_more_is_told_once() -> None:
    """Work that fails while the worker stops is logged there, and not again by the loop's end."""
    said: list[object] = []
    loop = asyncio.get_running_loop()
    gc.collect()  # what other tests left behind is not told here
    loop.set_exception_handler(lambda _, context: said.append(context))
    try:
        bench = Bench()
        await bench.intake.take(bench.delivery("a", 5))
        await bench.end("a", ValueError("no log"))
        await until(bench.intake.failed.done, 5, what="the failure")
        del bench
        gc.collect()
    finally:
        loop.set_exception_handler(None)
    assert said == []
