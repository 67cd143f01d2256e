"""Snapshots: what goes in comes out, and nothing that is damaged or foreign is believed."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest
from msgspec.structs import replace

from events import base, state
from events.codec import UPCASTS
from events.fold import evolve, freeze
from events.ids import AccountId
from events.snapshot import BadSnapshotError, Cursor, decode_chunks, encode_chunks, read_cursor
from events.state import FOLD_VERSION, Account
from tests.given import (
    HOUR,
    asks,
    at,
    bought,
    fails,
    finished,
    given,
    leaves,
    refunded,
    signed_up,
)

_CURSOR = Cursor(topic="pixelpop.events.v1", partition=3, next_offset=42, hash_before="a" * 64)


def _busy() -> Account:
    story = given(signed_up(5, expires=9 * HOUR), bought("p", 20), refunded("unheard")).when(at(0))
    story.when(asks("done", 2)).when(finished("done", 1, 1)).when(asks("open", 2))
    story.when(asks("failing", 1)).given(fails("failing"), asks("pending"), refunded("p"))
    assert story.account.reserved
    return story.account


def _many(count: int) -> dict[AccountId, Account]:
    busy = _busy()
    ids = [AccountId(f"0b000000-0000-4000-8000-{index:012d}") for index in range(count)]
    return {one: replace(busy, account_id=one) for one in ids}


def _bytes(accounts: dict[AccountId, Account], cursor: Cursor = _CURSOR) -> bytes:
    return b"".join(encode_chunks(cursor, accounts))


def _decoded(data: bytes) -> dict[AccountId, Account]:
    return {account.account_id: account for chunk in decode_chunks(data) for account in chunk}


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 2001])
def test_what_goes_in_comes_out(count: int) -> None:
    """Every state survives, whole chunks or not, and so does the cursor."""
    accounts = _many(count)
    data = _bytes(accounts)
    assert read_cursor(data) == _CURSOR
    assert _decoded(data) == accounts


def test_a_state_read_back_goes_on_as_the_first_would() -> None:
    """The next fact folds to equal states before and after the detour."""
    story = given(signed_up(5)).when(asks("cat", 2))
    (back,) = _decoded(_bytes({story.account.account_id: story.account})).values()
    assert back == story.account
    expected = story.when(finished("cat", 2)).account
    for one in story.log[-2:]:
        back = evolve(back, one)
    assert back == expected


def test_every_cut_is_refused() -> None:
    """A snapshot that ends early, anywhere, is none."""
    data = _bytes(_many(3))
    for end in range(len(data)):
        with pytest.raises(BadSnapshotError):
            _decoded(data[:end])


def test_a_changed_byte_never_changes_an_account() -> None:
    """Each single flipped bit is refused, or lies in the head, where the log refutes it."""
    accounts = _many(2)
    data = _bytes(accounts)
    for place in range(len(data)):
        for bit in (0, 3, 7):
            damaged = bytearray(data)
            damaged[place] ^= 1 << bit
            try:
                found = _decoded(bytes(damaged))
            except BadSnapshotError:
                continue
            assert found == accounts
            assert read_cursor(bytes(damaged)) != _CURSOR


def test_what_goes_on_after_the_end_is_refused() -> None:
    """A lost chunk cannot hide behind an end mark that came too early."""
    with pytest.raises(BadSnapshotError, match="after its end"):
        _decoded(_bytes(_many(1)) + b"\x00")


def test_another_fold_version_is_refused() -> None:
    """What another version folded means something else."""
    with pytest.raises(BadSnapshotError, match="folded by version"):
        _decoded(_bytes({}, replace(_CURSOR, fold_version=FOLD_VERSION + 1)))


@pytest.mark.parametrize(
    "data", [b"", b"PNG", b"pixelpop-snapshot\n", b"pixelpop-snapshot\n\0\0\0\7{}"]
)
def test_what_is_no_snapshot_is_refused(data: bytes) -> None:
    """Foreign objects are no reason to crash."""
    with pytest.raises(BadSnapshotError):
        _decoded(data)


def test_an_upgraded_reader_does_not_inherit_frozen_accounts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What an older reader could not decode, the newer one reads from the log again."""
    account = freeze(_busy(), "an event of a newer version")
    frozen = _bytes({account.account_id: account})
    sound = _bytes(_many(1))
    assert _decoded(frozen) == {account.account_id: account}
    monkeypatch.setitem(UPCASTS, "CreditsGranted.v0", lambda payload: payload)
    with pytest.raises(BadSnapshotError, match="frozen"):
        _decoded(frozen)
    assert len(_decoded(sound)) == 1


def test_the_shape_of_the_state_belongs_to_the_fold_version() -> None:
    """Changing what the state holds without raising FOLD_VERSION would misread old snapshots.

    When this fails: raise `FOLD_VERSION` in `events/state.py`, then note the new pair here.
    """
    shape = sha256(msgspec.json.encode(_shape())).hexdigest()[:16]
    assert (FOLD_VERSION, shape) == (3, "b1d61b70a814c563")


def _shape() -> dict[str, list[tuple[str, str]]]:
    kinds = (
        base.Draw,
        state.Grant,
        state.Cause,
        state.Pending,
        state.Outcome,
        state.Reservation,
        state.Refund,
        state.Source,
        state.Account,
    )
    return {
        kind.__name__: [
            (field, str(kind.__annotations__[field])) for field in kind.__struct_fields__
        ]
        for kind in kinds
    }


def test_leaving_accounts_survive_too() -> None:
    """An erased account with something open is kept as it is."""
    story = given(signed_up(5)).when(asks("cat")).given(leaves())
    accounts = {story.account.account_id: story.account}
    assert _decoded(_bytes(accounts)) == accounts
