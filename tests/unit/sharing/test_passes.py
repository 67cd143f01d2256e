"""Passes and codes: only we can make one, and each is for one thing."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.ids import AccountId
from gateway.identity.signed_in import Account
from gateway.sharing.codes import code_of, hash_of
from gateway.sharing.passes import Pass, make_pass, read_pass
from runtime.crypto.master import MasterKey

NOW = 1_767_225_600
ONE = Pass(uuid4(), uuid4(), NOW + 60)


def masters(*secrets: bytes) -> Any:
    """Master keys: the first is that of now."""
    current, *others = (MasterKey(one * 32) for one in secrets)
    return SimpleNamespace(current=current, others=tuple(others))


def test_a_pass_says_what_was_put_into_it() -> None:
    """Also after a rotation of the master key."""
    text = make_pass(masters(b"a"), ONE)
    assert read_pass(masters(b"a"), text, NOW) == ONE
    assert read_pass(masters(b"b", b"a"), text, NOW) == ONE
    assert read_pass(masters(b"b"), text, NOW) is None


def test_a_pass_ends() -> None:
    """To the second."""
    text = make_pass(masters(b"a"), ONE)
    assert read_pass(masters(b"a"), text, ONE.until) == ONE
    assert read_pass(masters(b"a"), text, ONE.until + 1) is None


def test_no_bit_of_a_pass_can_be_changed() -> None:
    """Neither what it says nor its mac."""
    text = make_pass(masters(b"a"), ONE)
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        forged = base64.urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode()
        assert read_pass(masters(b"a"), forged, NOW) is None


@given(st.text(max_size=120))
def test_any_text_is_judged(text: str) -> None:
    """Whatever stands in an address is a pass or none, and never an error."""
    assert read_pass(masters(b"a"), text, NOW) is None
    assert hash_of(text) is None or len(text) == 22


def test_a_code_is_of_one_share_and_one_account() -> None:
    """The same each time it is asked for; another for another share or owner."""
    account = Account(AccountId(str(uuid4())), b"k" * 32, 0.0)
    other = Account(account.account_id, b"o" * 32, 0.0)
    share, second = UUID(int=1), UUID(int=2)
    codes = {code_of(account, share), code_of(account, second), code_of(other, share)}
    assert len(codes) == 3
    assert code_of(account, share) in codes
    assert all(hash_of(code) is not None for code in codes)


@pytest.mark.parametrize("text", ["", "short", "x" * 23, "ä" * 22, "x" * 21 + "\n", "../" * 8])
def test_what_is_no_code_has_no_hash(text: str) -> None:
    """So the database is not asked."""
    assert hash_of(text) is None
