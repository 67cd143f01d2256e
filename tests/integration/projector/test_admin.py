"""`pixelpop projections status|rebuild` as a person or a script sees them."""

from __future__ import annotations

from functools import partial

import asyncpg
import msgspec
import pytest

from projections import admin, rebuild, status
from runtime.settings import Settings
from tests.integration.projector.conftest import RunProjector
from tests.integration.projector.log import PARTITIONS, TestLog, caught_up


@pytest.fixture
def admin_settings(
    projector_settings: Settings, log: TestLog, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """The commands work on the real topic; here on the test's."""
    monkeypatch.setattr(status, "status", partial(status.status, topic=log.topic))
    monkeypatch.setattr(rebuild, "rebuild", partial(rebuild.rebuild, topic=log.topic))
    return msgspec.structs.replace(projector_settings, kafka_partitions=PARTITIONS)


async def test_status_tells_the_lag_of_every_partition(
    log: TestLog,
    run_projector: RunProjector,
    owner: asyncpg.Connection,
    admin_settings: Settings,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    """What is written is not lag, what is appended afterwards is; also with nobody running."""
    await log.write(20)
    async with run_projector():
        await caught_up(owner, log)
    await log.write(10, seed=2)
    capsysbinary.readouterr()
    assert await admin.status(admin_settings, as_json=True) == 0
    rows = msgspec.json.decode(capsysbinary.readouterr().out, type=list[status.PartitionStatus])
    assert {row.partition: row.end_offset for row in rows} == await log.ends()
    assert all(row.lag == row.end_offset - row.next_offset > 0 for row in rows)
    assert {(row.schema, row.state, row.owner) for row in rows} == {
        ("read_v1", "serving", "projector-1")
    }
    assert await admin.status(admin_settings) == 0
    assert b"read_v1" in capsysbinary.readouterr().out


async def test_status_of_an_empty_database(
    admin_settings: Settings, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Before the first projector there is nothing to show, and that is no error."""
    assert await admin.status(admin_settings, as_json=True) == 0
    assert msgspec.json.decode(capsysbinary.readouterr().out) == []


async def test_a_rebuild_with_drop_old_leaves_one_schema(
    log: TestLog,
    run_projector: RunProjector,
    owner: asyncpg.Connection,
    admin_settings: Settings,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    """Exit status 0, the outcome as JSON, and only the new schema is left."""
    await log.write(20)
    async with run_projector():
        await caught_up(owner, log)
        capsysbinary.readouterr()
        assert await admin.rebuild(admin_settings, drop_old=True, as_json=True) == 0
    out = capsysbinary.readouterr().out
    result = msgspec.json.decode(out[out.index(b"{\n") :].split(b"\n}")[0] + b"\n}")
    assert (result["schema"], result["replaced"]) == ("read_v2", "read_v1")
    assert result["handed_over"]
    assert await owner.fetchval("SELECT to_regnamespace('read_v1')") is None


async def test_a_rebuild_of_something_else_says_what_there_is(
    admin_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown name is refused with the name that exists."""
    assert await admin.rebuild(admin_settings, "balances") == 1
    assert "`read`" in capsys.readouterr().err


async def test_a_rebuild_where_nothing_serves_makes_the_first_schema(
    log: TestLog,
    admin_settings: Settings,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With nothing to compare it fills and serves; the exit status is 0."""
    monkeypatch.setattr(rebuild, "HANDOVER_SECONDS_MAX", 0.0)
    await log.write(10)
    assert await admin.rebuild(admin_settings, without_comparison=True) == 0
    assert await owner.fetchval("SELECT count(*) FROM read.credit_accounts") == 10
