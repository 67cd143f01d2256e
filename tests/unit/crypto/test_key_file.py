"""Master keys in a file: rotated under running processes, retired, never lost."""

from __future__ import annotations

import base64
import uuid
from pathlib import Path

import msgspec
import pytest

from runtime.crypto.key_file import KeyFile
from runtime.crypto.keys import master_key_id, new_account_key, unwrap, wrap
from runtime.crypto.master import KeyNotOpened, identity_mark, master_keys
from runtime.errors import PixelpopError, SettingsError
from runtime.secrets import make_master_key, resolve
from runtime.settings import Settings

ACCOUNT = uuid.UUID(int=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return resolve(Settings(data_dir=tmp_path, embedded=True))


@pytest.fixture
def file(settings: Settings) -> KeyFile:
    return KeyFile(settings.data_dir / "secrets.json")


def test_a_running_process_opens_what_the_new_key_wraps(settings: Settings, file: KeyFile) -> None:
    """Keys that were read before the rotation open what came after it, and wrap by the new key."""
    running = master_keys(settings)
    before = running.current.id
    file.rotate()
    new = master_keys(settings)
    key = new_account_key()
    assert new.current.id != before
    assert unwrap(running, wrap(new.current, key, ACCOUNT), ACCOUNT) == key
    assert running.current.id == new.current.id
    assert running.find(before).id == before


def test_new_keys_are_wrapped_by_the_new_key_at_once(settings: Settings, file: KeyFile) -> None:
    """A process that only wraps notices a rotation too."""
    running = master_keys(settings)
    file.rotate()
    assert master_key_id(wrap(running.current, new_account_key(), ACCOUNT)) == (
        master_keys(settings).current.id
    )


def test_marks_never_change(settings: Settings, file: KeyFile) -> None:
    """Bans and spent welcomes are found after rotations, and after the first key is gone."""
    running = master_keys(settings)
    first, mark = running.current.id, identity_mark(running, "telegram", "7")
    for _ in range(2):
        file.rotate()
        assert identity_mark(master_keys(settings), "telegram", "7") == mark
        assert identity_mark(running, "telegram", "7") == mark
    file.retire([first])
    assert identity_mark(master_keys(settings), "telegram", "7") == mark


def test_a_retired_key_opens_nothing(settings: Settings, file: KeyFile) -> None:
    """What is retired is gone from the file, and from a process that looks again."""
    old = master_keys(settings)
    wrapped = wrap(old.current, new_account_key(), ACCOUNT)
    file.rotate()
    assert file.retire([old.current.id]) == []
    assert file.retire([master_key_id(wrapped)]) == [master_key_id(wrapped)]
    with pytest.raises(KeyNotOpened, match=master_key_id(wrapped)):
        unwrap(master_keys(settings), wrapped, ACCOUNT)


def test_a_child_with_the_old_key_in_its_environment_follows_the_file(
    settings: Settings, file: KeyFile
) -> None:
    """`up` hands its children the key of its own start: what the file says outranks it."""
    stale = settings.master_key
    old = master_keys(settings).current.id
    file.rotate()
    assert settings.master_key == stale
    assert master_keys(settings).current.id != old
    file.retire([old])
    assert master_keys(settings).current.id != old


def test_another_key_in_the_environment_outranks_the_file(settings: Settings) -> None:
    """Who sets PIXELPOP_MASTER_KEY to something of their own gets that."""
    own = make_master_key()
    keys = master_keys(msgspec.structs.replace(settings, master_key=own))
    assert keys.current.subkey("x") != master_keys(settings).current.subkey("x")


def test_a_damaged_file_does_not_stop_who_has_read_it(settings: Settings, file: KeyFile) -> None:
    """A running process keeps what it has; a start is refused."""
    running = master_keys(settings)
    current = running.current.id
    file.path.write_text('{"master_key": "short"}')
    assert running.current.id == current
    with pytest.raises(PixelpopError, match="32 bytes"):
        master_keys(settings)


def test_keys_in_variables_need_the_marks_key_beside_them() -> None:
    """With several keys nobody guesses which was the first."""
    new, old = make_master_key(), make_master_key()
    only_old = master_keys(Settings(master_key=old))
    with pytest.raises(SettingsError, match="PIXELPOP_MARKS_KEY"):
        master_keys(Settings(master_key=new, other_master_keys=old))
    marks = base64.b64encode(only_old.mark_key).decode()
    for current, others in ((old, new), (new, old), (new, f"{make_master_key()}, {old}")):
        keys = master_keys(Settings(master_key=current, other_master_keys=others, marks_key=marks))
        assert identity_mark(keys, "telegram", "7") == identity_mark(only_old, "telegram", "7")
        assert keys.find(only_old.current.id).id == only_old.current.id


def test_a_refusal_does_not_repeat_a_key() -> None:
    """Not even a broken one."""
    with pytest.raises(SettingsError) as refusal:
        master_keys(Settings(master_key=make_master_key(), other_master_keys="aGFsZg=="))
    assert "aGFsZg" not in str(refusal.value)


def test_there_is_nothing_to_rotate_without_a_key(tmp_path: Path) -> None:
    """A file without a master key is left as it is."""
    (tmp_path / "secrets.json").write_text("{}")
    with pytest.raises(SettingsError, match="nothing to rotate"):
        KeyFile(tmp_path / "secrets.json").rotate()
    assert (tmp_path / "secrets.json").read_text() == "{}"


def test_a_mounted_file_gives_the_secrets(tmp_path: Path, settings: Settings) -> None:
    """With outside servers PIXELPOP_SECRETS_FILE stands for the variables that are not set."""
    path = settings.data_dir / "secrets.json"
    given = resolve(Settings(secrets_file=path))
    assert given.master_key == settings.master_key
    assert given.jwt_secret == settings.jwt_secret
    running = master_keys(given)
    KeyFile(path).rotate()
    assert running.current.id == master_keys(settings).current.id
