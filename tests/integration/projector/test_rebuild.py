"""Rebuilding beside the serving schema, on real servers."""

from __future__ import annotations

import asyncio

import asyncpg
import msgspec
import pytest

from projections import rebuild as rebuilding
from projections import schema
from projections.errors import RebuildRefused
from projections.rebuild import Rebuilt, rebuild
from runtime.postgres.pool import Pool
from runtime.settings import Settings
from tests.integration.projector.conftest import RunProjector
from tests.integration.projector.log import PARTITIONS, TABLES, TestLog, caught_up, table


def silent(_what: str, _done: int, _total: int) -> None:
    """Show no progress."""


@pytest.fixture
def rebuild_settings(projector_settings: Settings) -> Settings:
    return msgspec.structs.replace(projector_settings, kafka_partitions=PARTITIONS, slot="rebuild")


async def test_a_rebuild_equals_the_serving_schema_while_events_flow(
    log: TestLog,
    run_projector: RunProjector,
    rebuild_settings: Settings,
    projector_pool: Pool,
    owner: asyncpg.Connection,
) -> None:
    """Filled from offset 0 in other batches, every row is equal; afterwards the new one serves."""
    await log.write(100)
    async with run_projector(projection_batch_events=37):
        await caught_up(owner, log)
        flowing = asyncio.create_task(log.write(300, seed=2))
        result = await rebuild(rebuild_settings, projector_pool, silent, topic=log.topic)
        await flowing
        assert result.differences == []
        assert result.rows_compared is not None
        assert result.rows_compared > 100
        assert result.handed_over
        assert (result.schema, result.replaced) == ("read_v2", "read_v1")
        for name in ("read_v1", "read_v2"):
            await caught_up(owner, log, f"{name}.projection_offsets")
    for name in TABLES:
        assert await table(owner, f"read_v1.{name}") == await table(owner, f"read_v2.{name}")
    of_view = await owner.fetchval("SELECT pg_get_viewdef('read.ledger'::regclass)")
    assert "read_v2.ledger" in of_view


async def test_a_rebuild_that_differs_is_not_swapped_in(
    log: TestLog,
    run_projector: RunProjector,
    rebuild_settings: Settings,
    projector_pool: Pool,
    owner: asyncpg.Connection,
) -> None:
    """A serving row that the log does not tell of is named, and the old schema goes on serving."""
    await log.write(20)
    async with run_projector():
        await caught_up(owner, log)
        await owner.execute(
            "UPDATE read_v1.credit_accounts SET available = available + 1"
            " WHERE account_id = (SELECT min(account_id::text)::uuid FROM read_v1.accounts)"
        )
        result = await rebuild(rebuild_settings, projector_pool, silent, topic=log.topic)
    assert {one.table for one in result.differences} == {"credit_accounts"}
    assert {one.only_in for one in result.differences} == {"read_v1", "read_v2"}
    states = {one.schema: one.state for one in await schema.existing(projector_pool)}
    assert states == {"read_v1": "serving", "read_v2": "filling"}


async def test_a_rebuild_goes_on_after_it_was_killed(
    log: TestLog,
    run_projector: RunProjector,
    rebuild_settings: Settings,
    projector_pool: Pool,
    owner: asyncpg.Connection,
) -> None:
    """A run that was cut off half-way is continued by the next, not begun anew."""
    await log.write(300)
    total = sum((await log.ends()).values())
    async with run_projector():
        await caught_up(owner, log)
        begun = asyncio.Event()

        def cut(what: str, done: int, _total: int) -> None:
            if what == "comparing":
                begun.set()

        first = asyncio.create_task(rebuild(rebuild_settings, projector_pool, cut, topic=log.topic))
        await begun.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert first.cancelled()
        await log.write(20, seed=3)
        await caught_up(owner, log)
        result: Rebuilt = await rebuild(rebuild_settings, projector_pool, silent, topic=log.topic)
    assert result.schema == "read_v2"
    assert result.differences == []
    assert 0 < result.events < total


async def test_two_rebuilds_at_once_do_not_mix(
    log: TestLog,
    run_projector: RunProjector,
    rebuild_settings: Settings,
    projector_pool: Pool,
    owner: asyncpg.Connection,
) -> None:
    """The one that claimed later owns the new schema; the other is refused by the epoch."""
    await log.write(300)
    async with run_projector():
        await caught_up(owner, log)
        runs = await asyncio.gather(
            *(rebuild(rebuild_settings, projector_pool, silent, topic=log.topic) for _ in range(2)),
            return_exceptions=True,
        )
    done = [run for run in runs if isinstance(run, Rebuilt) and not run.differences]
    refused = [run for run in runs if isinstance(run, RebuildRefused)]
    assert len(done) + len(refused) == 2
    assert done


async def test_dropping_the_old_schema_leaves_the_serving_one_alone(
    log: TestLog,
    run_projector: RunProjector,
    rebuild_settings: Settings,
    projector_pool: Pool,
    owner: asyncpg.Connection,
) -> None:
    """After the drop the projector goes on with the schema that serves."""
    await log.write(20)
    async with run_projector():
        await caught_up(owner, log)
        await rebuild(rebuild_settings, projector_pool, silent, topic=log.topic)
        old, new = await schema.existing(projector_pool)
        await schema.drop(projector_pool, old)
        await log.write(20, seed=4)
        await caught_up(owner, log)
    assert await schema.existing(projector_pool) == [new]
    assert len(await table(owner, "read.credit_accounts")) == 40


async def test_a_serving_schema_of_another_log_is_replaced_only_when_asked(
    log: TestLog,
    run_projector: RunProjector,
    rebuild_settings: Settings,
    projector_pool: Pool,
    owner: asyncpg.Connection,
) -> None:
    """A cursor beyond the log's end is no place to compare at; --without-comparison swaps."""
    await log.write(20)
    async with run_projector():
        await caught_up(owner, log)
    await owner.execute("UPDATE read_v1.projection_offsets SET next_offset = 1000000")
    with pytest.raises(RebuildRefused, match="another log"):
        await rebuild(rebuild_settings, projector_pool, silent, topic=log.topic)
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patched:
        patched.setattr(rebuilding, "HANDOVER_SECONDS_MAX", 0.0)
        result = await rebuild(
            rebuild_settings, projector_pool, silent, topic=log.topic, without_comparison=True
        )
    assert (result.schema, result.rows_compared) == ("read_v2", None)
    assert len(await table(owner, "read.credit_accounts")) == 20
