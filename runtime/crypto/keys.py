"""An account's own key: made, wrapped for storing, at hand for a while, gone after an erasure.

A wrapped key says itself which master key wrapped it:
`0x01 | master key id (8 bytes) | nonce (12) | ciphertext and tag (48)`. The account is
authenticated with it, so a wrapped key that is copied to another account's row does not open.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from runtime.crypto.master import KEY_BYTES, KeyNotOpened, MasterKey, MasterKeys, subkey
from runtime.errors import PixelpopError

WRAPPED_KEY_BYTES = 1 + 8 + 12 + KEY_BYTES + 16

_VERSION = b"\x01"
_ID_END = 1 + 8
_NONCE_END = _ID_END + 12

ENTRIES_MAX = 10_000
"""How many keys one process keeps: about 3 MB."""

TTL_SECONDS = 300.0
"""How long a key is used before the database is asked again; an erasure that this process did
not hear of takes effect after it."""

Loader = Callable[[UUID], Awaitable[bytes | None]]
"""Gives an account's wrapped key, or None where the account has none (any more)."""


class KeyDestroyed(PixelpopError):
    """The account was erased (or never was): nothing of it can be opened or sealed again."""

    code = "key-destroyed"


def new_account_key() -> bytes:
    """32 random bytes."""
    return os.urandom(KEY_BYTES)


def wrap(master: MasterKey, account_key: bytes, account_id: UUID) -> bytes:
    """Wrap an account's key for storing: `WRAPPED_KEY_BYTES` bytes, different at each call."""
    if len(account_key) != KEY_BYTES:
        raise ValueError(f"An account's key has {KEY_BYTES} bytes.")
    nonce = os.urandom(12)
    head = _VERSION + bytes.fromhex(master.id)
    cipher = AESGCM(master.subkey("wrap-account-key"))
    return head + nonce + cipher.encrypt(nonce, account_key, head + account_id.bytes)


def unwrap(masters: MasterKeys, wrapped: bytes, account_id: UUID) -> bytes:
    """The account's key from what `wrap` made for the same account.

    Raises:
        KeyNotOpened: damaged, another account's, or by a master key that is not at hand.
    """
    master = masters.find(master_key_id(wrapped))
    head, nonce = wrapped[:_ID_END], wrapped[_ID_END:_NONCE_END]
    cipher = AESGCM(master.subkey("wrap-account-key"))
    try:
        return cipher.decrypt(nonce, wrapped[_NONCE_END:], head + account_id.bytes)
    except InvalidTag:
        raise KeyNotOpened(f"The wrapped key of account {account_id} does not open.") from None


def master_key_id(wrapped: bytes) -> str:
    """The id of the master key that wrapped this.

    Raises:
        KeyNotOpened: it is no wrapped key.
    """
    if len(wrapped) != WRAPPED_KEY_BYTES or wrapped[:1] != _VERSION:
        raise KeyNotOpened("A stored account key has an unknown form.")
    return wrapped[1:_ID_END].hex()


def mac(key: bytes, data: bytes, *, purpose: str = "body-mac") -> bytes:
    """HMAC-SHA256 of `data` under a subkey of an account's key: 32 bytes; the same at each call.

    Compare with `hmac.compare_digest`.
    """
    return hmac.digest(subkey(key, purpose), data, hashlib.sha256)


class AccountKeys:
    """The keys of the accounts that this process works for: least recently used go first.

    Args:
        loader: asks the database.
        masters: open what it answers.
        entries_max: how many keys are kept.
        ttl_seconds: how long one is used without asking again.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        loader: Loader,
        masters: MasterKeys,
        *,
        entries_max: int = ENTRIES_MAX,
        ttl_seconds: float = TTL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loader = loader
        self._masters = masters
        self._entries_max = entries_max
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._kept: OrderedDict[UUID, tuple[bytes, float]] = OrderedDict()
        self._loading: dict[UUID, asyncio.Task[bytes]] = {}

    async def get(self, account_id: UUID) -> bytes:
        """The account's 32-byte key.

        Raises:
            KeyDestroyed: the account has no key (any more).
            KeyNotOpened: its stored form does not open.
            What the loader raises.
        """
        kept = self._kept.get(account_id)
        if kept is not None and kept[1] > self._clock():
            self._kept.move_to_end(account_id)
            return kept[0]
        loading = self._loading.get(account_id)
        if loading is None:
            loading = asyncio.create_task(self._load(account_id))
            self._loading[account_id] = loading
            loading.add_done_callback(lambda task: self._loaded(account_id, task))
        # Several wait for one load; one of them being cancelled must not take it from the rest.
        return await asyncio.shield(loading)

    def put(self, account_id: UUID, account_key: bytes) -> None:
        """Keep a key that the caller has just made or opened."""
        self._kept[account_id] = (account_key, self._clock() + self._ttl_seconds)
        self._kept.move_to_end(account_id)
        while len(self._kept) > self._entries_max:
            self._kept.popitem(last=False)

    def forget(self, account_id: UUID) -> None:
        """Drop a key at once, as soon as its account is known to be erased."""
        self._kept.pop(account_id, None)
        # A load under way may have read the row before it went: let nobody keep its result.
        self._loading.pop(account_id, None)

    async def _load(self, account_id: UUID) -> bytes:
        wrapped = await self._loader(account_id)
        if wrapped is None:
            self._kept.pop(account_id, None)
            raise KeyDestroyed(f"The key of account {account_id} does not exist.")
        account_key = unwrap(self._masters, wrapped, account_id)
        if self._loading.get(account_id) is asyncio.current_task():
            self.put(account_id, account_key)
        return account_key

    def _loaded(self, account_id: UUID, task: asyncio.Task[bytes]) -> None:
        if self._loading.get(account_id) is task:
            del self._loading[account_id]
        if not task.cancelled():
            task.exception()  # seen by whoever waits; nobody may be left to
