"""Claims about what waits for its turn: whose is next, and what becomes of it meanwhile."""

from __future__ import annotations

import asyncio

from processors.worker.fairness import Share
from processors.worker.places import Places
from processors.worker.work import Work
from tests.unit.worker.test_intake import Bench


async def test_one_accounts_many_do_not_hold_up_anothers_one() -> None:
    """Of what waits, the account that had none yet is next; acks keep to the offsets."""
    bench = Bench(jobs_max=1)
    names = Named(bench, "a1", "a2", "a3", "b")
    bench.intake._share_of = lambda work: Share(account=names[work][0])
    for offset, name in enumerate(names.all):
        await bench.intake.take(bench.delivery(name, offset))
    for name in ("a1", "b", "a2", "a3"):
        await bench.end(name)
    await bench.settled(lambda: len(bench.acked) == 4, "all acks")
    assert bench.begun == [bench.identity(name) for name in ("a1", "b", "a2", "a3")]
    assert [offset for _, offset in bench.acked] == [0, 1, 2, 3]


async def test_who_waits_for_a_narrow_provider_takes_nobodys_place() -> None:
    """Of its lane only so many are begun as may be; places that it cannot use are others'."""
    bench = Bench(jobs_max=2)
    names = Named(bench, "s1", "s2", "s3", "q1", "q2")
    bench.intake._lanes = {"s": Places(asyncio.Semaphore(1))}
    bench.intake._lane_of = lambda work: names[work][0]
    for offset, name in enumerate(names.all):
        await bench.intake.take(bench.delivery(name, offset))
        await bench.settled(lambda: bench.begun, "the first")
    await bench.settled(lambda: len(bench.begun) == 2, "both places")
    assert bench.begun == [bench.identity(name) for name in ("s1", "q1")]
    for name in ("q1", "q2", "s1", "s2", "s3"):
        await bench.end(name)
    await bench.settled(lambda: len(bench.acked) == 5, "all acks")
    assert bench.begun[2:] == [bench.identity(name) for name in ("q2", "s2", "s3")]
    assert [offset for _, offset in bench.acked] == [0, 1, 2, 3, 4]


async def test_an_end_leaves_nobody_waiting() -> None:
    """Neither in a lane nor for a place."""
    bench = Bench(jobs_max=1)
    names = Named(bench, "s1", "s2", "q1")
    bench.intake._lanes = {"s": Places(asyncio.Semaphore(1))}
    bench.intake._lane_of = lambda work: names[work][0]
    for offset, name in enumerate(names.all):
        await bench.intake.take(bench.delivery(name, offset))
    await bench.settled(lambda: bench.begun, "the first")
    await bench.intake.abandon()
    assert bench.intake.running == 0
    assert bench.acked == []


async def test_what_waits_is_dropped_with_its_assignment() -> None:
    """A job that was revoked while it waited is not begun; delivered anew while it waits, it is."""
    bench = Bench(jobs_max=1)
    for offset, name in enumerate(("a", "b", "c")):
        await bench.intake.take(bench.delivery(name, offset))
    await bench.settled(lambda: bench.begun, "a")
    bench.intake.revoke({("jobs", 0)})
    await bench.intake.take(bench.delivery("c", 2, assignment=2))
    await bench.end("a")
    await bench.end("c")
    await bench.settled(lambda: bench.acked == [(0, 2)], "the ack")
    assert bench.begun == [bench.identity("a"), bench.identity("c")]


async def test_a_drain_does_not_begin_what_waits() -> None:
    """It will be delivered again."""
    bench = Bench(jobs_max=1)
    await bench.intake.take(bench.delivery("a", 0))
    await bench.intake.take(bench.delivery("b", 1))
    await bench.settled(lambda: bench.begun, "a")
    draining = asyncio.create_task(bench.intake.drain(5))
    await bench.end("a")
    assert await draining
    assert (bench.begun, bench.acked) == ([bench.identity("a")], [(0, 0)])


class Named:
    """The names of works, by the works."""

    def __init__(self, bench: Bench, *names: str) -> None:
        self.all = names
        self._names = {bench.identity(name): name for name in names}

    def __getitem__(self, work: Work) -> str:
        return self._names[work.identity]
