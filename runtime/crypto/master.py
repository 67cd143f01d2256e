"""The master key: it wraps the accounts' keys and makes the marks of outside identities."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from runtime.errors import PixelpopError, SettingsError
from runtime.secrets import secrets_path
from runtime.settings import Settings

KEY_BYTES = 32


class KeyNotOpened(PixelpopError):
    """A wrapped account key is damaged, another account's, or wrapped by an unknown master key."""

    code = "key-not-opened"


class MasterKey:
    """The 32 bytes that wrap the accounts' keys; its id is derived from it and no secret."""

    __slots__ = ("_secret", "id")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError(f"A master key has {KEY_BYTES} bytes.")
        self._secret = secret
        self.id: str = subkey(secret, "master-key-id")[:8].hex()

    def subkey(self, purpose: str) -> bytes:
        """32 bytes derived from the master key for one purpose."""
        return subkey(self._secret, purpose)

    def __repr__(self) -> str:
        return f"MasterKey({self.id})"


class Keys(NamedTuple):
    """The master keys as they stand at one moment."""

    current: MasterKey
    others: tuple[MasterKey, ...]
    mark_key: bytes


class MasterKeys:
    """The master key that wraps new keys, and others that still open what they wrapped.

    A rotation does not stop a process: `again` is asked for the keys as they stand now when a key
    is to be wrapped and when a wrapped one names a master key that is not known yet.

    Args:
        current: wraps.
        older: also open; the newest first.
        mark_key: makes the identity marks, and must never change, or bans and spent welcome grants
            are forgotten. None: derived from the oldest key, as before the first rotation.
        again: answers where the keys have changed since it was asked last; else None.
    """

    def __init__(
        self,
        current: MasterKey,
        older: Iterable[MasterKey] = (),
        *,
        mark_key: bytes | None = None,
        again: Callable[[], Keys | None] | None = None,
    ) -> None:
        others = tuple(older)
        oldest = others[-1] if others else current
        self._again = again
        self._take(Keys(current, others, mark_key or mark_key_of(oldest)))

    @property
    def current(self) -> MasterKey:
        """The key that wraps, as of now."""
        self._refresh()
        return self._keys.current

    @property
    def others(self) -> tuple[MasterKey, ...]:
        """Keys that only open, as of now."""
        self._refresh()
        return self._keys.others

    @property
    def mark_key(self) -> bytes:
        """Makes the identity marks; the same for ever."""
        return self._keys.mark_key

    def find(self, master_key_id: str) -> MasterKey:
        """The key with this id.

        Raises:
            KeyNotOpened: this process does not have it.
        """
        found = self._by_id.get(master_key_id)
        if found is None and self._refresh():
            found = self._by_id.get(master_key_id)
        if found is None:
            raise KeyNotOpened(
                f"An account's key is wrapped by the master key {master_key_id}, which this "
                f"process does not have; PIXELPOP_MASTER_KEY is {self._keys.current.id}."
            )
        return found

    def _refresh(self) -> bool:
        changed = self._again() if self._again is not None else None
        if changed is not None:
            self._take(changed)
        return changed is not None

    def _take(self, keys: Keys) -> None:
        self._keys = keys
        self._by_id = {key.id: key for key in (keys.current, *keys.others)}


def master_keys(settings: Settings) -> MasterKeys:
    """The master keys of this process.

    Raises:
        SettingsError: a key is missing or is not 32 bytes in base64.
        StartError: the file of secrets is damaged.
    """
    from runtime.crypto.key_file import KeyFile  # which reads keys by what stands here

    path = secrets_path(settings)
    if path is not None:
        file = KeyFile(path)
        keys = file.keys()
        if keys is not None and file.knows(settings.master_key):
            return MasterKeys(
                keys.current, keys.others, mark_key=keys.mark_key, again=file.keys_if_changed
            )
    if settings.master_key is None:
        raise SettingsError("PIXELPOP_MASTER_KEY is not set.")
    current = parse_key(settings.master_key, "PIXELPOP_MASTER_KEY")
    others = parse_keys(settings.other_master_keys or "", "PIXELPOP_OTHER_MASTER_KEYS")
    if others and settings.marks_key is None:
        raise SettingsError(
            "PIXELPOP_OTHER_MASTER_KEYS needs PIXELPOP_MARKS_KEY beside it, so that bans and spent "
            "welcome grants stay known; `pixelpop keys marks` prints it."
        )
    mark_key = None
    if settings.marks_key is not None:
        mark_key = decode_key(settings.marks_key, "PIXELPOP_MARKS_KEY")
    return MasterKeys(current, others, mark_key=mark_key)


def parse_key(text: str, name: str) -> MasterKey:
    """A master key from its base64.

    Raises:
        SettingsError: it is none; the message does not repeat it.
    """
    return MasterKey(decode_key(text, name))


def parse_keys(text: str, name: str) -> tuple[MasterKey, ...]:
    """Master keys from a list with commas."""
    return tuple(parse_key(one.strip(), name) for one in text.split(",") if one.strip())


def decode_key(text: str, name: str) -> bytes:
    """32 bytes from their base64.

    Raises:
        SettingsError: it is none; the message names `name` and does not repeat the text.
    """
    try:
        secret = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != KEY_BYTES:
        raise SettingsError(f"{name} is not 32 bytes in base64.") from None
    return secret


def mark_key_of(oldest: MasterKey) -> bytes:
    """What makes the identity marks where nothing else was written down."""
    return oldest.subkey("identity-mark")


def subkey(key: bytes, purpose: str) -> bytes:
    """32 bytes derived from `key` by HKDF-SHA256 (RFC 5869) for one purpose."""
    info = b"pixelpop.v1." + purpose.encode("utf-8")
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key)


def identity_mark(masters: MasterKeys, provider: str, subject_id: str) -> bytes:
    """What `identity_marks` knows an outside identity by: 32 bytes that do not tell whose.

    Deterministic, so that a ban or a spent welcome grant is found again after an erasure.
    """
    name = provider.encode("utf-8")
    data = len(name).to_bytes(4, "big") + name + subject_id.encode("utf-8")
    return hmac.digest(masters.mark_key, data, hashlib.sha256)
