"""Turning the master key under a database that is in use."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import Callable
from pathlib import Path

import asyncpg
import msgspec
import pytest

from runtime import keys_admin
from runtime.crypto.key_file import KeyFile
from runtime.crypto.keys import AccountKeys, KeyDestroyed, new_account_key, wrap
from runtime.crypto.master import MasterKeys, identity_mark, master_keys
from runtime.errors import SettingsError, StartError
from runtime.postgres import key_rotation
from runtime.postgres.account_keys import wrapped_key_loader
from runtime.postgres.pool import open_pool
from runtime.secrets import make_master_key, resolve
from runtime.settings import Settings
from tests.servers import Database

SettingsFor = Callable[[str], Settings]


@pytest.fixture
def kept(settings: Settings, tmp_path: Path) -> Settings:
    """The owner's settings, with the master key in a file of this test."""
    return resolve(
        msgspec.structs.replace(settings, data_dir=tmp_path, embedded=True, master_key=None)
    )


async def add(url: str, masters: MasterKeys, count: int) -> dict[uuid.UUID, bytes]:
    """Accounts with keys of their own, made as a sign-in makes them."""
    keys = {uuid.uuid4(): new_account_key() for _ in range(count)}
    connection = await asyncpg.connect(url)
    try:
        await connection.executemany(
            "SELECT * FROM sign_in('telegram', $1::text, $2, $3, $4, $5)",
            [
                (
                    one.hex,
                    identity_mark(masters, "telegram", one.hex),
                    one,
                    wrap(masters.current, key, one),
                    masters.current.id,
                )
                for one, key in keys.items()
            ],
        )
    finally:
        await connection.close()
    return keys


async def test_every_key_is_wrapped_anew_while_processes_read(
    kept: Settings,
    settings_for: SettingsFor,
    fresh_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that started before the rotation opens every key during it and after it."""
    monkeypatch.setattr(key_rotation, "BATCH", 7)
    running = master_keys(kept)
    keys = await add(fresh_database.urls["gateway"], running, 60)
    first = running.current.id
    pool = await open_pool(settings_for("worker"), application_name="test")
    cache = AccountKeys(wrapped_key_loader(pool), running, ttl_seconds=0)
    rotating = asyncio.create_task(keys_admin.rotate(kept, as_json=True))
    while not rotating.done():
        for account_id, key in keys.items():
            assert await cache.get(account_id) == key
    assert await rotating == 0
    for account_id, key in keys.items():
        assert await cache.get(account_id) == key
    assert await key_rotation.count_by_master(fresh_database.owner_url) == {running.current.id: 60}
    assert running.current.id != first
    await pool.close()


async def test_an_account_that_goes_meanwhile_stays_gone(
    kept: Settings, settings_for: SettingsFor, fresh_database: Database
) -> None:
    """An erasure between reading and replacing leaves no row and no key."""
    masters = master_keys(kept)
    keys = await add(fresh_database.urls["gateway"], masters, 3)
    gone = next(iter(keys))
    owner = await asyncpg.connect(fresh_database.owner_url)
    KeyFile(kept.data_dir / "secrets.json").rotate()
    rows = await owner.fetch("SELECT account_id, wrapped_key FROM identities ORDER BY 1")
    await owner.execute("DELETE FROM identities WHERE account_id = $1", gone)
    new = [wrap(masters.current, keys[row[0]], row[0]) for row in rows]
    replaced = await owner.fetchval(
        "SELECT rewrap_keys($1::uuid[], $2::bytea[], $3::bytea[], $4)",
        [row[0] for row in rows],
        [row[1] for row in rows],
        new,
        masters.current.id,
    )
    assert replaced == 2
    assert await owner.fetchval("SELECT count(*) FROM identities") == 2
    await owner.close()
    pool = await open_pool(settings_for("worker"), application_name="test")
    with pytest.raises(KeyDestroyed):
        await AccountKeys(wrapped_key_loader(pool), masters).get(gone)
    await pool.close()


async def test_a_rotation_that_was_cut_is_finished(
    kept: Settings, fresh_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a crash between the new key and the last account the next run makes no third key."""
    masters = master_keys(kept)
    await add(fresh_database.urls["gateway"], masters, 5)
    KeyFile(kept.data_dir / "secrets.json").rotate()  # and there it was killed
    assert await keys_admin.rotate(kept, as_json=False) == 0
    assert "not finished" in capsys.readouterr().err
    assert len(masters.others) == 1
    assert await key_rotation.count_by_master(fresh_database.owner_url) == {masters.current.id: 5}


async def test_a_key_that_does_not_open_is_counted_and_left(
    kept: Settings, fresh_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """One damaged key does not keep the others from being wrapped anew, and is not hidden."""
    masters = master_keys(kept)
    keys = await add(fresh_database.urls["gateway"], masters, 3)
    owner = await asyncpg.connect(fresh_database.owner_url)
    await owner.execute(
        "UPDATE identities SET wrapped_key = overlay(wrapped_key PLACING $2 FROM 30)"
        " WHERE account_id = $1",
        next(iter(keys)),
        b"\x00" * 8,
    )
    await owner.close()
    assert await keys_admin.rotate(kept, as_json=True) == 1
    said = capsys.readouterr().out
    told = json.loads(said[said.index("{") :])  # a log line stands before it
    assert (told["rewrapped"], told["not_opened"], told["left"]) == (2, 1, 1)


async def test_a_key_that_wraps_nothing_may_go(
    kept: Settings, fresh_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """`retire` destroys unused keys only, and `status` says what wraps what."""
    masters = master_keys(kept)
    first = masters.current.id
    await add(fresh_database.urls["gateway"], masters, 2)
    KeyFile(kept.data_dir / "secrets.json").rotate()
    assert await keys_admin.retire(kept, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert await keys_admin.rotate(kept, as_json=True) == 0
    assert await keys_admin.status(kept, as_json=True) == 0
    told = capsys.readouterr().out
    assert '"current"' in told
    assert first in told
    assert await keys_admin.retire(kept, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == [first]
    assert masters.others == ()


async def test_a_missing_master_key_is_told(kept: Settings, fresh_database: Database) -> None:
    """`status` fails where accounts are wrapped by a key that is not at hand."""
    await add(fresh_database.urls["gateway"], master_keys(kept), 1)
    other = msgspec.structs.replace(kept, master_key=make_master_key(), embedded=False)
    assert await keys_admin.status(other, as_json=True) == 1


async def test_keys_in_variables_are_rewrapped_and_not_rotated(
    settings: Settings, fresh_database: Database
) -> None:
    """No command changes a variable; after an operator did, `rewrap` does the rest."""
    before = msgspec.structs.replace(settings, embedded=False)
    masters = master_keys(before)
    await add(fresh_database.urls["gateway"], masters, 4)
    with pytest.raises(SettingsError, match="PIXELPOP_SECRETS_FILE"):
        await keys_admin.rotate(before, as_json=True)
    after = msgspec.structs.replace(
        before,
        master_key=make_master_key(),
        other_master_keys=before.master_key,
        marks_key=base64.b64encode(masters.mark_key).decode(),
    )
    assert await keys_admin.rewrap_all(after, as_json=True) == 0
    counts = await key_rotation.count_by_master(fresh_database.owner_url)
    assert counts == {master_keys(after).current.id: 4}


@pytest.mark.parametrize("process", ["gateway", "decider", "worker", "projector"])
async def test_no_process_may_do_it(fresh_database: Database, process: str) -> None:
    """Only who turns the keys may read or replace everybody's."""
    with pytest.raises(StartError, match="permission denied"):
        await key_rotation.count_by_master(fresh_database.urls[process])
