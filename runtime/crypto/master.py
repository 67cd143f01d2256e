"""The master key: it wraps the accounts' keys and makes the marks of outside identities."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from runtime.errors import PixelpopError, SettingsError
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


class MasterKeys:
    """The master key that wraps new keys, and older ones that still open what they wrapped.

    `marks` makes the identity marks and must never change, or bans and spent welcome grants are
    forgotten: it is the oldest key, which therefore stays after a rotation.
    """

    def __init__(self, current: MasterKey, older: Iterable[MasterKey] = ()) -> None:
        keys = [current, *older]
        self.current = current
        self.marks = keys[-1]
        self._by_id = {key.id: key for key in keys}

    def find(self, master_key_id: str) -> MasterKey:
        """The key with this id.

        Raises:
            KeyNotOpened: this process does not have it.
        """
        try:
            return self._by_id[master_key_id]
        except KeyError:
            raise KeyNotOpened(
                f"An account's key is wrapped by the master key {master_key_id}, which this "
                f"process does not have; PIXELPOP_MASTER_KEY is {self.current.id}."
            ) from None


def master_keys(settings: Settings) -> MasterKeys:
    """The master keys of this process.

    Raises:
        SettingsError: PIXELPOP_MASTER_KEY is missing or is not 32 bytes in base64.
    """
    if settings.master_key is None:
        raise SettingsError("PIXELPOP_MASTER_KEY is not set.")
    try:
        return MasterKeys(MasterKey(base64.b64decode(settings.master_key, validate=True)))
    except (binascii.Error, ValueError):
        raise SettingsError("PIXELPOP_MASTER_KEY is not 32 bytes in base64.") from None


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
    return hmac.digest(masters.marks.subkey("identity-mark"), data, hashlib.sha256)
