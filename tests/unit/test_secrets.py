"""`runtime.secrets`."""

from __future__ import annotations

import base64
import stat

import msgspec
import pytest

from runtime import secrets
from runtime.errors import SettingsError, StartError
from runtime.settings import Settings, load, to_environment


def test_secrets_are_made_once_and_fit_the_settings(tmp_path):
    """In embedded mode unset secrets are made, are valid settings, and stay the same."""
    first = secrets.resolve(Settings(data_dir=tmp_path, embedded=True))
    again = secrets.resolve(Settings(data_dir=tmp_path, embedded=True))
    assert again == first
    assert load(to_environment(first)) == first
    assert len(base64.b64decode(first.master_key)) == 32


def test_the_file_is_for_its_owner_only(tmp_path):
    """Nobody else may read the secrets."""
    secrets.resolve(Settings(data_dir=tmp_path, embedded=True))
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_what_is_set_is_kept(tmp_path):
    """A configured secret is used and not written down."""
    given = Settings(data_dir=tmp_path, embedded=True, jwt_secret="x" * 40)
    assert secrets.resolve(given).jwt_secret == "x" * 40
    assert "jwt_secret" not in secrets.SecretsFile(tmp_path).read()


def test_without_embedded_servers_a_missing_secret_is_named(tmp_path):
    """With outside servers a missing secret stops the start with its variable's name."""
    with pytest.raises(SettingsError, match="JWT_SECRET, PIXELPOP_MASTER_KEY, TELEGRAM_BOT_TOKEN"):
        secrets.resolve(Settings(data_dir=tmp_path))
    assert not (tmp_path / "secrets.json").exists()


def test_a_damaged_file_is_not_replaced(tmp_path):
    """A damaged file stops the start: new secrets would make what is sealed unreadable."""
    (tmp_path / "secrets.json").write_text('{"jwt_secret": ')
    with pytest.raises(StartError, match="is damaged"):
        secrets.resolve(Settings(data_dir=tmp_path, embedded=True))
    assert (tmp_path / "secrets.json").read_text() == '{"jwt_secret": '


def test_two_starts_agree_on_a_secret(tmp_path):
    """Who comes second takes what is there by then, even if it had looked before."""
    one, other = secrets.SecretsFile(tmp_path), secrets.SecretsFile(tmp_path)
    assert one.get("a", lambda: "first") == "first"
    assert other.get("a", lambda: "second") == "first"
    assert msgspec.json.decode((tmp_path / "secrets.json").read_bytes()) == {"a": "first"}
