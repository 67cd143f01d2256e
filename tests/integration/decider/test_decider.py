"""The decider on a real broker."""

from __future__ import annotations

import uuid

import msgspec
from structlog.testing import capture_logs

from commands.decide import decide
from commands.policy import Policy
from events import ids
from events.codec import encode
from events.credits import CreditsReserved, CreditsSettled
from events.fold import evolve
from events.generations import GenerationCompleted, GenerationRejected, Image
from events.ids import AccountId
from events.recorded import hash_value, record
from events.snapshot import Cursor
from events.state import Reservation, balanced
from events.topics import DLQ, EVENTS
from processors.decider import snapshots
from processors.decider.log import Log
from runtime.kafka.consumer import PartitionReader, TopicPartition
from runtime.kafka.lookup import LogLookup
from runtime.kafka.partitioner import partition_for
from runtime.kafka.records import Outgoing
from runtime.objects import MemoryObjects
from runtime.waiting import until


def account(account_id) -> AccountId:
    return AccountId(str(account_id))


async def test_a_request_is_admitted_and_dispatched_once(account_id, writer, history, run_decider):
    """A paid-for request becomes one reservation and one job, and its result one settlement."""
    mine = account(account_id)
    async with run_decider():
        await writer.purchase(mine, 10)
        generation = await writer.ask(mine, "a", count=4)
        await history.wait_for(
            lambda: [job for job in history.jobs if job["generation_id"] == generation],
            "the job of an admitted generation",
        )
        images = tuple(
            Image(
                image_id=ids.image_id(generation, index),
                index=index,
                object_key=f"{index}.png",
                preview_key=f"{index}.webp",
                width=1,
                height=1,
                content_type="image/png",
                size_bytes=1,
                sha256="0" * 64,
            )
            for index in range(3)
        )
        completed = GenerationCompleted(
            account_id=mine,
            occurred_at_ms=writer.clock.now_ms(),
            generation_id=generation,
            images=images,
            failed_count=1,
            provider="local",
            model="preview",
        )
        for _ in range(2):
            await writer.append(completed, ids.fact_id(generation, "completed"), generation)
        await history.wait_for(
            lambda: any(isinstance(e, CreditsSettled) for e in history.events.get(mine, [])),
            "the settlement",
        )
    await history.read_all()
    events = history.events[mine]
    assert [type(e).__name__ for e in events if hasattr(e, "sequence")] == [
        "CreditsGranted",
        "CreditsReserved",
        "CreditsSettled",
    ]
    settled = next(e for e in events if isinstance(e, CreditsSettled))  # the repeat may be last
    assert (settled.captured, settled.returned) == (3, 1)
    assert history.state(mine).available == 7
    assert balanced(history.state(mine))
    assert mine not in history.voids
    job = next(job for job in history.jobs if job["generation_id"] == generation)
    assert job["request"]["prompt"] == "v1.sealed"


async def test_refusals_are_decisions(account_id, writer, history, run_decider):
    """Without credits, and beyond five a minute, a request is rejected for that reason."""
    mine = account(account_id)
    async with run_decider():
        poor = await writer.ask(mine, "poor")
        await history.wait_for(lambda: history.state(mine).sequence == 1, "the first refusal")
        await writer.purchase(mine, 10)
        for number in range(6):
            await writer.ask(mine, f"k{number}")
        await history.wait_for(
            lambda: sum(hasattr(e, "sequence") for e in history.events.get(mine, [])) == 8,
            "eight decisions",
        )
    decisions = [e for e in history.events[mine] if hasattr(e, "sequence")]
    rejected = [e for e in decisions if isinstance(e, GenerationRejected)]
    assert [(e.generation_id == poor, e.reason) for e in rejected] == [
        (True, "insufficient_credits"),
        (False, "rate_limited"),
    ]
    assert rejected[1].retry_after_ms > 0
    assert sum(isinstance(e, CreditsReserved) for e in decisions) == 5


async def test_what_was_asked_while_nobody_decided_is_decided_at_the_next_start(
    account_id, writer, history, run_decider
):
    """A decider that starts late decides what waits, and one that restarts dispatches open jobs."""
    mine = account(account_id)
    await writer.purchase(mine, 3)
    generation = await writer.ask(mine, "early")

    def jobs() -> int:
        return sum(job["generation_id"] == generation for job in history.jobs)

    async with run_decider():
        await history.wait_for(lambda: jobs() == 1, "the first dispatch")
    async with run_decider():
        await history.wait_for(lambda: jobs() >= 2, "the dispatch after a restart")
    await history.read_all()
    assert sum(isinstance(e, CreditsReserved) for e in history.events[mine]) == 1


async def test_a_deadline_without_a_result_returns_everything(
    account_id, writer, history, run_decider
):
    """With no result by the deadline the reservation times out, by the broker's clock."""
    mine = account(account_id)
    async with run_decider(policy=Policy(deadline_ms=2_000)):
        await writer.purchase(mine, 3)
        await writer.ask(mine, "slow", count=2)
        await history.wait_for(
            lambda: any(isinstance(e, CreditsSettled) for e in history.events.get(mine, [])),
            "the settlement at the deadline",
        )
    settled = history.events[mine][-1]
    assert (settled.outcome, settled.captured, settled.returned) == ("timed_out", 0, 2)
    assert history.state(mine).available == 3


async def test_what_another_decider_wrote_first_counts(account_id, writer, history, run_decider):
    """A decider goes on from the decision that stands first in the log, and a rival one is void."""
    mine = account(account_id)
    await writer.purchase(mine, 5)
    request = writer.request(mine, "contested")
    generation = request.generation_id
    await writer.append(request, ids.fact_id(generation, "requested"), generation)
    await history.wait_for(lambda: generation in history.state(mine).open, "the request")
    state = history.state(mine)
    for policy in (Policy(), Policy(price=lambda *_: 4)):  # two deciders of one state
        chain = state
        while (decided := decide(chain, writer.clock.now_ms(), policy)) is not None:
            await writer.append(decided.event, decided.event_id, generation)
            chain = evolve(chain, record(decided.event, encode(decided.event), 0))
    async with run_decider():
        following = await writer.ask(mine, "next")
        await history.wait_for(lambda: history.state(mine).sequence == 3, "the next decision")
    await history.read_all()
    reserved = [e for e in history.events[mine] if isinstance(e, CreditsReserved)]
    assert [(e.generation_id, e.price) for e in reserved] == [(generation, 1), (following, 1)]
    assert [type(e).__name__ for e in history.voids[mine]] == ["CreditsGranted", "CreditsReserved"]
    assert history.state(mine).available == 3


async def test_poison_does_not_stop_the_partition(account_id, writer, history, run_decider):
    """Garbage goes to the dead letters with its origin, and what follows is decided."""
    mine = account(account_id)
    async with run_decider():
        await writer.purchase(mine, 2)
        position = await writer.producer.append(
            EVENTS, Outgoing(mine.encode(), b"not json", (("ce_type", b"pixelpop.Nonsense.v9"),))
        )
        generation = await writer.ask(mine, "after")
        await history.wait_for(
            lambda: (
                generation in history.state(mine).open
                and isinstance(history.state(mine).open[generation], Reservation)
            ),
            "the request behind the poison",
        )
        letters = PartitionReader(
            writer.settings,
            {TopicPartition(DLQ, n): 0 for n in range(writer.settings.kafka_partitions)},
        )
        await letters.start()
        origin = f"{EVENTS}/{position.partition}/{position.offset}".encode()
        found: list[bytes] = []

        async def arrived() -> bool:
            for records in (await letters.get(100, 0.2)).values():
                found.extend(one.value for one in records if origin in dict(one.headers).values())
            return bool(found)

        await until(arrived, 10.0, what="the dead letter")
        await letters.stop()
    assert found[0] == b"not json"


async def test_unreadable_money_freezes_only_its_account(account_id, writer, history, run_decider):
    """A chained event of a newer version stops its account in this decider, and nobody else's."""
    mine, other = account(account_id), account(uuid.uuid4())
    async with run_decider():
        await writer.producer.append(
            EVENTS,
            Outgoing(
                mine.encode(),
                b'{"type":"CreditsGranted.v99"}',
                (("ce_type", b"pixelpop.CreditsGranted.v99"), ("ce_class", b"decision")),
            ),
        )
        await writer.purchase(mine, 5)
        await writer.purchase(other, 5)
        await history.wait_for(lambda: history.state(other).sequence == 1, "the other's grant")
        await writer.ask(mine, "frozen")
        await writer.ask(other, "fine")
        await history.wait_for(lambda: history.state(other).sequence == 2, "the other's picture")
    await history.read_all()
    assert history.state(mine).sequence == 0


async def test_a_snapshot_spares_reading_from_the_beginning(
    account_id, writer, history, run_decider, servers
):
    """A second start goes on from the snapshot, and decides the same as from the beginning."""
    mine = account(account_id)
    objects = MemoryObjects()
    async with run_decider(objects=objects):
        await writer.purchase(mine, 5)
        await writer.ask(mine, "one")
        await history.wait_for(lambda: history.state(mine).sequence == 2, "the first decisions")
    stored = await objects.list("snapshots/")
    assert stored
    with capture_logs() as lines:
        async with run_decider(objects=objects):
            await writer.ask(mine, "two")
            await history.wait_for(lambda: history.state(mine).sequence == 3, "the third decision")
    partition = partition_for(mine.encode(), servers.kafka_partitions)
    starts = {
        line["partition"]: line["next_offset"]
        for line in lines
        if line["event"] == "partition assigned"
    }
    assert starts[partition] > 0
    assert history.state(mine).available == 3


async def test_a_snapshot_of_another_log_is_refused(servers, writer, account_id):
    """A snapshot whose record before it is not the log's is passed over."""
    objects = MemoryObjects()
    position = await writer.append(writer.request(account(account_id), "x"), str(uuid.uuid4()), "x")
    cursor = Cursor(
        topic=EVENTS,
        partition=position.partition,
        next_offset=position.offset + 1,
        hash_before="f" * 64,
    )
    await snapshots.save(objects, cursor, {})
    async with LogLookup(servers) as lookup:
        log = Log(lookup)
        assert await snapshots.load(objects, EVENTS, position.partition, log.value_at) is None
        value = await log.value_at(EVENTS, position.partition, position.offset)
        good = msgspec.structs.replace(cursor, hash_before=hash_value(value))
        other = MemoryObjects()
        await snapshots.save(other, good, {})
        assert await snapshots.load(other, EVENTS, position.partition, log.value_at) is not None


async def test_two_deciders_share_the_partitions(account_id, writer, history, run_decider):
    """With a second decider joining in mid-stream, every request is still decided once."""
    accounts = [account(uuid.uuid4()) for _ in range(20)]
    for mine in accounts:
        await writer.purchase(mine, 3)
    async with run_decider("1"):
        for mine in accounts:
            await writer.ask(mine, "first")
        async with run_decider("2"):
            for mine in accounts:
                await writer.ask(mine, "second")
            await history.wait_for(
                lambda: all(history.state(mine).sequence == 3 for mine in accounts),
                "three decisions for each account",
            )
        for mine in accounts:
            await writer.ask(mine, "third")
        await history.wait_for(
            lambda: all(history.state(mine).sequence == 4 for mine in accounts),
            "four decisions for each account",
        )
    assert all(history.state(mine).available == 0 for mine in accounts)
