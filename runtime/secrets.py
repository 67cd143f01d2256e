"""Secrets: the ones in the settings, or, in embedded mode, ones that are made once and kept.

The data directory's `secrets.json` (mode 0600) holds what was made. Losing it means: every access
token ends, and every sealed field (prompts, names) is unreadable for ever; so it belongs into the
backup of the data directory.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec
from filelock import FileLock

from runtime.disk import naming_full_disk
from runtime.errors import SettingsError, StartError
from runtime.settings import Settings

LOCK_TIMEOUT_SECONDS = 10


def make_text() -> str:
    """43 letters, digits, `-` and `_`, 256 bits."""
    return secrets.token_urlsafe(32)


def make_password() -> str:
    """64 hexadecimal digits, which no URL, shell or file format gives a meaning to."""
    return secrets.token_hex(32)


def make_master_key() -> str:
    """32 bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def make_bot_token() -> str:
    """The shape of a Telegram bot token; no bot has this one, it only signs development data."""
    return f"{10**9 + secrets.randbelow(10**9)}:{secrets.token_urlsafe(26)[:35]}"


MADE: dict[str, tuple[str, Callable[[], str]]] = {
    "jwt_secret": ("JWT_SECRET", make_text),
    "master_key": ("PIXELPOP_MASTER_KEY", make_master_key),
    "telegram_bot_token": ("TELEGRAM_BOT_TOKEN", make_bot_token),
}
"""Fields of Settings that a process cannot do without: their variable, and how one is made."""


class SecretsFile:
    """The secrets that were made for one data directory, or lie in another given place."""

    def __init__(self, data_dir: Path, *, path: Path | None = None) -> None:
        self.path = path or data_dir / "secrets.json"

    def read(self) -> dict[str, str]:
        """All of them.

        Raises:
            StartError: the file is damaged; making new ones would make sealed data unreadable.
        """
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=dict[str, str])
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError as error:
            raise StartError(
                f"{self.path} is damaged ({error}). Restore it from a backup: without it sealed "
                "prompts cannot be read."
            ) from error

    def get(self, name: str, make: Callable[[], str]) -> str:
        """The secret of that name, made now if there is none; safe among several processes."""
        known = self.read()
        if name not in known:
            known = self.change(lambda now: now if name in now else now | {name: make()})
        return known[name]

    def change(self, changed: Callable[[dict[str, str]], dict[str, str]]) -> dict[str, str]:
        """Replace all of it at once by what is made of it; safe among several processes."""
        with naming_full_disk(self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_suffix(".lock"), timeout=LOCK_TIMEOUT_SECONDS):
                before = self.read()
                after = changed(before)
                if after != before:
                    self._write(after)
        return after

    def _write(self, known: dict[str, str]) -> None:
        growing = self.path.with_suffix(".new")
        growing.unlink(missing_ok=True)
        descriptor = os.open(growing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(msgspec.json.format(msgspec.json.encode(known), indent=2))
            out.flush()
            os.fsync(out.fileno())
        growing.replace(self.path)


def secrets_path(settings: Settings) -> Path | None:
    """The file of secrets that this process reads; None: it has its variables only."""
    if settings.secrets_file is not None:
        return settings.secrets_file
    return settings.data_dir / "secrets.json" if settings.embedded else None


def resolve(settings: Settings) -> Settings:
    """The same settings with every secret filled in.

    Raises:
        SettingsError: a secret is not set, and this is not embedded mode; the message names it.
    """
    path = secrets_path(settings)
    if path is not None and not settings.embedded:
        settings = _given(settings, SecretsFile(path.parent, path=path).read())
    missing = [field for field in MADE if getattr(settings, field) is None]
    if not missing:
        return settings
    if path is None or not settings.embedded:
        names = ", ".join(MADE[field][0] for field in missing)
        raise SettingsError(
            f"{names} must be set, because outside servers are configured: secrets are made only "
            "for a data directory that holds the servers too."
        )
    file = SecretsFile(path.parent, path=path)
    made = {field: file.get(field, MADE[field][1]) for field in missing}
    return msgspec.structs.replace(settings, **made)


def _given(settings: Settings, known: dict[str, str]) -> Settings:
    found = {
        field: known[field] for field in MADE if getattr(settings, field) is None and field in known
    }
    return msgspec.structs.replace(settings, **found)
