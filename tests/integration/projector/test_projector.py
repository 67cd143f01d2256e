"""The projector on real servers: the log in, rows out."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import msgspec
import pytest

from events.accounts import UserRegistered
from events.codec import encode
from events.envelope import headers_for
from events.ids import EventId
from projections import schema, writing
from projections.batch import Batch
from projections.credits import CreditAccountRow, GrantRow, LedgerRow
from projections.errors import CursorMismatch, OwnershipLost
from projections.filling import Filling
from projections.generations import GenerationRow, ImageRow
from projections.purchases import PurchaseRow
from projections.rebuild import rebuild
from projections.users import UserRow
from projections.voids import VoidRow
from runtime.kafka.consumer import ConsumerRecord, TopicPartition
from runtime.kafka.partitioner import partition_for
from runtime.kafka.records import Outgoing
from runtime.postgres.errors import DatabaseUnavailable
from runtime.postgres.pool import Pool
from runtime.settings import Settings
from runtime.waiting import until
from tests.integration.projector.conftest import RunProjector
from tests.integration.projector.log import PARTITIONS, TestLog, caught_up, table
from tests.integration.projector.oracle import Oracle
from tests.integration.projector.world import World

GROUPED = {
    "generations": GenerationRow,
    "images": ImageRow,
    "credit_accounts": CreditAccountRow,
    "grants": GrantRow,
    "ledger": LedgerRow,
    "purchases": PurchaseRow,
    "users": UserRow,
    "voids": VoidRow,
}
Records = list[ConsumerRecord[bytes, bytes]]


async def parts_of(log: TestLog) -> dict[TopicPartition, Records]:
    parts: dict[TopicPartition, Records] = {}
    for record in await log.records():
        parts.setdefault(TopicPartition(log.topic, record.partition), []).append(record)
    return parts


async def fill(filling: Filling, parts: dict[TopicPartition, Records], step: int) -> None:
    """Everything that comes after the cursors, in batches of `step` records per partition."""
    longest = max(map(len, parts.values()))
    for begin in range(0, longest, step):
        batch = {tp: part[begin : begin + step] for tp, part in parts.items()}
        await filling.take({tp: part for tp, part in batch.items() if part})
    await filling.flush()


@pytest.mark.parametrize(("seed", "batch_events"), [(1, 7), (2, 5_000)])
async def test_tables_equal_a_naive_reading_of_the_log(
    log: TestLog,
    run_projector: RunProjector,
    owner: asyncpg.Connection,
    seed: int,
    batch_events: int,
) -> None:
    """Whatever the batches, rows are what one event after the other says, voids left out."""
    world = World(log.append, 30, seed)
    await world.live(40)
    async with run_projector(projection_batch_events=batch_events):
        await caught_up(owner, log)
    oracle = Oracle().read(await log.records())
    assert oracle.voids > 0
    rows = {str(row["generation_id"]): row for row in await table(owner, "read.generations")}
    assert rows.keys() == oracle.generations.keys()
    shown = (
        "status",
        "error_code",
        "count",
        "requested_at_ms",
        "started_at_ms",
        "credits_captured",
        "deleted_at_ms",
    )
    for key, expected in oracle.generations.items():
        assert {name: rows[key][name] for name in shown} == {n: expected[n] for n in shown}
    images = {str(row["image_id"]): row for row in await table(owner, "read.images")}
    assert {key: (row["deleted_at_ms"], row["size_bytes"]) for key, row in images.items()} == {
        key: (row["deleted_at_ms"], row["size_bytes"]) for key, row in oracle.images.items()
    }
    ledger = {
        (str(row["account_id"]), row["sequence"]): {
            name: row[name] for name in ("type", "credits", "available_after", "value_hash")
        }
        for row in await table(owner, "read.ledger")
    }
    assert ledger == oracle.ledger
    purchases = {
        str(row["purchase_id"]): {
            name: row[name] for name in ("credits", "purchased_at_ms", "refunded_at_ms")
        }
        for row in await table(owner, "read.purchases")
    }
    assert purchases == oracle.purchases
    balances = await table(owner, "read.credit_accounts")
    assert {str(row["account_id"]): row["available"] for row in balances} == oracle.balances
    assert len(await table(owner, "read_v1.voids")) == oracle.voids
    left = {
        str(row["account_id"]) for row in await table(owner, "read.users") if row["erased_at_ms"]
    }
    assert left == oracle.erased


async def test_a_projector_killed_between_batches_leaves_what_one_that_was_not_leaves(
    log: TestLog,
    projector_settings: Settings,
    projector_pool: Pool,
    run_projector: RunProjector,
    owner: asyncpg.Connection,
) -> None:
    """Cut off in the middle of a write and followed by another, it tells the same rows."""
    await World(log.append, 20, 3).live(20)
    await schema.ensure(projector_pool)
    parts = await parts_of(log)
    first = Filling(projector_settings, projector_pool, "read_v1", "first", topic=log.topic)
    await first.claim(range(PARTITIONS))
    await first.take({tp: part[:40] for tp, part in parts.items()})
    await first.take({tp: part[40:80] for tp, part in parts.items()})
    assert first._writing is not None
    first._writing.cancel()
    await asyncio.gather(first._writing, return_exceptions=True)
    settings = msgspec.structs.replace(projector_settings, kafka_partitions=PARTITIONS)
    async with run_projector(projection_batch_events=11):
        await caught_up(owner, log)
        result = await rebuild(settings, projector_pool, lambda *_: None, topic=log.topic)
    assert result.differences == []
    assert result.rows_compared is not None
    assert result.rows_compared > 0


async def test_an_owner_of_yesterday_cannot_write(
    log: TestLog, projector_settings: Settings, projector_pool: Pool, owner: asyncpg.Connection
) -> None:
    """Once another projector has claimed a partition, the epoch refuses the first one's batch."""
    await log.write(50)
    await schema.ensure(projector_pool)
    parts = await parts_of(log)
    old = Filling(projector_settings, projector_pool, "read_v1", "old", topic=log.topic)
    new = Filling(projector_settings, projector_pool, "read_v1", "new", topic=log.topic)
    await old.claim(range(PARTITIONS))
    await old.take({tp: part[:10] for tp, part in parts.items()})
    await old.flush()
    starts = await new.claim(range(PARTITIONS))
    assert starts == dict.fromkeys(range(PARTITIONS), 10)
    before = await table(owner, "read_v1.ledger")
    await old.take({tp: part[10:20] for tp, part in parts.items()})
    with pytest.raises(OwnershipLost):
        await old.flush()
    assert await table(owner, "read_v1.ledger") == before
    await fill(new, {tp: part[10:] for tp, part in parts.items()}, 25)
    assert len(await table(owner, "read_v1.credit_accounts")) == 50


async def test_two_projectors_share_the_partitions(
    log: TestLog, run_projector: RunProjector, owner: asyncpg.Connection
) -> None:
    """Each owns its part; when one stops, the other takes over and nothing is read twice."""
    await log.write(50)
    async with run_projector("a", kafka_session_timeout_seconds=6.0):
        await caught_up(owner, log)
        async with run_projector("b", kafka_session_timeout_seconds=6.0):

            async def shared() -> bool:
                rows = await owner.fetch("SELECT DISTINCT owner FROM read_v1.projection_offsets")
                return {row["owner"] for row in rows} == {"projector-a", "projector-b"}

            await until(shared, 30, what="both projectors to own a partition")
            await log.write(50, seed=2)
            await caught_up(owner, log)
        await log.write(50, seed=3)
        await caught_up(owner, log)
    assert len(await table(owner, "read.credit_accounts")) == 150


async def test_a_commit_whose_answer_got_lost_is_not_done_twice(
    log: TestLog,
    projector_settings: Settings,
    projector_pool: Pool,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The cursors tell that the transaction went through, and the projector goes on."""
    await log.write(20)
    await schema.ensure(projector_pool)
    parts = await parts_of(log)
    write_once, answers = writing._write_once, iter([DatabaseUnavailable("gone")])

    async def lose_one_answer(pool: Pool, batch: Batch) -> None:
        await write_once(pool, batch)
        if (error := next(answers, None)) is not None:
            raise error

    monkeypatch.setattr(writing, "_write_once", lose_one_answer)
    filling = Filling(projector_settings, projector_pool, "read_v1", "one", topic=log.topic)
    await filling.claim(range(PARTITIONS))
    await fill(filling, parts, 30)
    assert next(answers, None) is None
    assert len(await table(owner, "read_v1.credit_accounts")) == 20


async def test_poison_freezes_one_account_and_stops_nobody(
    log: TestLog, run_projector: RunProjector, owner: asyncpg.Connection
) -> None:
    """Money that cannot be read freezes its account; garbage is listed; all others go on."""
    states = await log.write(10)
    frozen = states[0].account_id
    event = UserRegistered(account_id=frozen, occurred_at_ms=1, welcome_credits=0)
    headers = headers_for(event, EventId("x"), source="/test", time_ms=1, correlation_id="x")
    newer = encode(event).replace(b"UserRegistered.v1", b"UserRegistered.v9")
    partition = partition_for(frozen.encode(), PARTITIONS)
    await log.append_one(Outgoing(frozen.encode(), newer, headers))
    await log.append_one(Outgoing(b"not a uuid", b"\xff\x00 garbage", ()), partition)
    await log.write(20, seed=9)
    async with run_projector():
        await caught_up(owner, log)
    balances = {str(row["account_id"]): row for row in await table(owner, "read.credit_accounts")}
    assert len(balances) == 30
    assert {key for key, row in balances.items() if row["frozen"]} == {frozen}
    voids = await table(owner, "read_v1.voids")
    assert [row["reason"] for row in voids] == ["poison", "poison"]


@pytest.mark.parametrize(
    ("damage", "clue"),
    [
        ("hash_before = repeat('f', 64)", "another record"),
        ("next_offset = 1000000", "does not hold it"),
        ("fold_version = 0", "folded by version 0"),
        ("topic = 'another'", "the topic another"),
    ],
)
async def test_a_cursor_that_does_not_match_the_log_is_refused(
    log: TestLog,
    run_projector: RunProjector,
    owner: asyncpg.Connection,
    damage: str,
    clue: str,
) -> None:
    """The projector stops with a sentence and changes neither rows nor cursors."""
    await log.write(10)
    async with run_projector():
        await caught_up(owner, log)
    await owner.execute(f"UPDATE read_v1.projection_offsets SET {damage}")
    at = "SELECT partition, next_offset, hash_before FROM read_v1.projection_offsets ORDER BY 1"
    before = await owner.fetch(at), await table(owner, "read.ledger")
    with pytest.raises(CursorMismatch, match=clue):
        async with run_projector():
            await asyncio.get_running_loop().create_future()  # until the projector's end
    assert (await owner.fetch(at), await table(owner, "read.ledger")) == before


@pytest.mark.parametrize("name", GROUPED)
async def test_rows_in_memory_have_the_columns_of_their_table(
    projector_pool: Pool, owner: asyncpg.Connection, name: str
) -> None:
    """Field by field in order: a row is written by position."""
    await schema.ensure(projector_pool)
    columns: list[Any] = await owner.fetch(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'read_v1' AND table_name = $1 ORDER BY ordinal_position",
        name,
    )
    assert tuple(row[0] for row in columns) == GROUPED[name].__struct_fields__
