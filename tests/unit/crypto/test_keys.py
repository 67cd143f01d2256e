"""Account keys: wrapped for one account by one master key, kept for a while, then gone."""

from __future__ import annotations

import asyncio
import base64
import os
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.crypto.keys import (
    WRAPPED_KEY_BYTES,
    AccountKeys,
    KeyDestroyed,
    mac,
    master_key_id,
    new_account_key,
    unwrap,
    wrap,
)
from runtime.crypto.master import (
    KeyNotOpened,
    MasterKey,
    MasterKeys,
    identity_mark,
    master_keys,
    subkey,
)
from runtime.errors import SettingsError
from runtime.settings import Settings

MASTER = MasterKey(bytes(range(32)))
MASTERS = MasterKeys(MASTER)
ACCOUNT = uuid.UUID(int=1)


class Loads:
    """A loader that counts, and that can be made to wait or to answer differently."""

    def __init__(self) -> None:
        self.keys: dict[uuid.UUID, bytes] = {}
        self.count = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()

    def add(self, account_id: uuid.UUID) -> bytes:
        key = new_account_key()
        self.keys[account_id] = wrap(MASTER, key, account_id)
        return key

    async def __call__(self, account_id: uuid.UUID) -> bytes | None:
        self.count += 1
        self.begun.set()
        answer = self.keys.get(account_id)
        await self.gate.wait()
        return answer


def test_wrapped_opens_for_its_account() -> None:
    """A wrapped key has its fixed size, says who wrapped it, and opens for its account."""
    key = new_account_key()
    wrapped = wrap(MASTER, key, ACCOUNT)
    assert len(wrapped) == WRAPPED_KEY_BYTES
    assert master_key_id(wrapped) == MASTER.id
    assert unwrap(MASTERS, wrapped, ACCOUNT) == key


@given(bit=st.integers(0, WRAPPED_KEY_BYTES * 8 - 1))
def test_no_bit_may_flip(bit: int) -> None:
    """Any one flipped bit of a wrapped key keeps it shut."""
    wrapped = bytearray(wrap(MASTER, new_account_key(), ACCOUNT))
    wrapped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(KeyNotOpened):
        unwrap(MASTERS, bytes(wrapped), ACCOUNT)


@given(other=st.uuids().filter(lambda one: one != ACCOUNT))
def test_not_for_another_account(other: uuid.UUID) -> None:
    """A wrapped key that is copied to another account's row does not open."""
    with pytest.raises(KeyNotOpened):
        unwrap(MASTERS, wrap(MASTER, new_account_key(), ACCOUNT), other)


@given(wrapped=st.binary(max_size=200))
def test_nonsense_is_no_key(wrapped: bytes) -> None:
    """Other bytes are refused, not a crash."""
    with pytest.raises(KeyNotOpened):
        unwrap(MASTERS, wrapped, ACCOUNT)


def test_rotation() -> None:
    """After a rotation old keys still open, new ones use the new master, and marks stay."""
    key = new_account_key()
    old = wrap(MASTER, key, ACCOUNT)
    newer = MasterKey(os.urandom(32))
    rotated = MasterKeys(newer, older=[MASTER])
    assert unwrap(rotated, old, ACCOUNT) == key
    assert master_key_id(wrap(rotated.current, key, ACCOUNT)) == newer.id
    assert identity_mark(rotated, "telegram", "1") == identity_mark(MASTERS, "telegram", "1")
    with pytest.raises(KeyNotOpened, match=MASTER.id):
        unwrap(MasterKeys(newer), old, ACCOUNT)


def test_no_secret_in_texts() -> None:
    """Neither the master key nor its text shows in its representation or id."""
    assert bytes(range(32)).hex()[:16] not in repr(MASTER) + MASTER.id
    assert repr(MASTER) == f"MasterKey({MASTER.id})"


@given(a=st.tuples(st.text(), st.text()), b=st.tuples(st.text(), st.text()))
def test_marks_are_one_to_one(a: tuple[str, str], b: tuple[str, str]) -> None:
    """Two outside identities share a mark only if they are the same one."""
    assert (identity_mark(MASTERS, *a) == identity_mark(MASTERS, *b)) == (a == b)


def test_purposes_are_apart() -> None:
    """One key gives unrelated subkeys and MACs for different purposes."""
    key = new_account_key()
    assert subkey(key, "a") != subkey(key, "b")
    assert mac(key, b"x") == mac(key, b"x")
    assert mac(key, b"x") != mac(key, b"x", purpose="other")
    assert mac(key, b"x") != mac(new_account_key(), b"x")


def test_known_answers() -> None:
    """What is stored for ever keeps its form: subkey, key id and mark of a known key."""
    assert MASTER.id == subkey(bytes(range(32)), "master-key-id")[:8].hex()
    assert MASTER.id == "a7f79589a1a2213c"
    assert (
        identity_mark(MASTERS, "telegram", "42").hex()
        == "ae84336df67511185341fdbb212581a9afb2b0f8953f7fff26aee1009372fcca"
    )
    assert (
        mac(bytes(range(32)), b"body").hex()
        == "c17522dbb29052ef37f6f26f479c6305725f623407fabf8c4bdbfe967a5e605e"
    )


@pytest.mark.parametrize("text", [None, "short", base64.b64encode(b"x" * 31).decode()])
def test_bad_master_key_is_named(text: str | None) -> None:
    """A missing or malformed master key is a SettingsError that names the variable."""
    with pytest.raises(SettingsError, match="PIXELPOP_MASTER_KEY") as error:
        master_keys(Settings(master_key=text))
    assert text is None or text not in str(error.value)


async def test_loaded_once() -> None:
    """Many that ask at once cause one load, and later ones none."""
    loads = Loads()
    key = loads.add(ACCOUNT)
    keys = AccountKeys(loads, MASTERS)
    assert set(await asyncio.gather(*(keys.get(ACCOUNT) for _ in range(20)))) == {key}
    assert await keys.get(ACCOUNT) == key
    assert loads.count == 1


async def test_asked_again_after_its_time() -> None:
    """A key beyond its time is loaded again, and is destroyed when its row has gone."""
    now = [0.0]
    loads = Loads()
    loads.add(ACCOUNT)
    keys = AccountKeys(loads, MASTERS, ttl_seconds=10, clock=lambda: now[0])
    await keys.get(ACCOUNT)
    del loads.keys[ACCOUNT]
    now[0] = 9.9
    await keys.get(ACCOUNT)
    now[0] = 10.1
    with pytest.raises(KeyDestroyed):
        await keys.get(ACCOUNT)


async def test_forgotten_at_once() -> None:
    """A forgotten key is gone at once."""
    loads = Loads()
    loads.add(ACCOUNT)
    keys = AccountKeys(loads, MASTERS)
    await keys.get(ACCOUNT)
    del loads.keys[ACCOUNT]
    keys.forget(ACCOUNT)
    with pytest.raises(KeyDestroyed):
        await keys.get(ACCOUNT)


async def test_forgotten_while_loading() -> None:
    """A load that began before the account was erased leaves nothing behind."""
    loads = Loads()
    loads.add(ACCOUNT)
    loads.gate.clear()
    keys = AccountKeys(loads, MASTERS)
    waiting = asyncio.create_task(keys.get(ACCOUNT))
    await loads.begun.wait()
    del loads.keys[ACCOUNT]
    keys.forget(ACCOUNT)
    loads.gate.set()
    await waiting
    with pytest.raises(KeyDestroyed):
        await keys.get(ACCOUNT)


async def test_one_cancelled_does_not_take_it_from_the_rest() -> None:
    """When one of those who wait gives up, the others still get the key."""
    loads = Loads()
    key = loads.add(ACCOUNT)
    loads.gate.clear()
    keys = AccountKeys(loads, MASTERS)
    first, second = (asyncio.create_task(keys.get(ACCOUNT)) for _ in range(2))
    await loads.begun.wait()
    first.cancel()
    loads.gate.set()
    assert await second == key
    assert loads.count == 1


async def test_bounded() -> None:
    """No more keys are kept than allowed; the least recently used goes first."""
    loads = Loads()
    accounts = [uuid.UUID(int=n) for n in range(3)]
    for account_id in accounts:
        loads.add(account_id)
    keys = AccountKeys(loads, MASTERS, entries_max=2)
    for account_id in (accounts[0], accounts[1], accounts[0], accounts[2]):
        await keys.get(account_id)
    assert loads.count == 3
    await keys.get(accounts[0])
    assert loads.count == 3
    await keys.get(accounts[1])
    assert loads.count == 4


async def test_failed_load_is_not_kept() -> None:
    """A database that fails once is asked again by the next call."""
    loads = Loads()
    key = loads.add(ACCOUNT)
    failures = [OSError("gone")]

    async def flaky(account_id: uuid.UUID) -> bytes | None:
        if failures:
            raise failures.pop()
        return await loads(account_id)

    keys = AccountKeys(flaky, MASTERS)
    with pytest.raises(OSError, match="gone"):
        await keys.get(ACCOUNT)
    assert await keys.get(ACCOUNT) == key
