"""What an invoice carries: small enough for Telegram, and nobody else's to make."""

from __future__ import annotations

import base64
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from commands.catalogue import PACKS
from gateway.money import payload
from gateway.money.payload import Invoice

KEY = b"k" * 32
ACCOUNT = UUID("5f0c1a52-7c64-4b0e-9d2f-3b1f0a9f6d11")
INVOICE = Invoice(ACCOUNT, uuid4(), "starter", 10, 50)


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_every_pack_fits(pack: object) -> None:
    """The payload of each pack is 1 to 128 bytes and comes back as it was."""
    invoice = payload.invoice_of(ACCOUNT, uuid4(), pack)  # type: ignore[arg-type]  # as far as it is read
    text = payload.write(invoice, KEY)
    assert 1 <= len(text.encode()) <= 128
    carried = payload.read(text)
    assert carried is not None
    assert carried.invoice == invoice
    assert carried.is_ours(KEY)


def test_longest_name() -> None:
    """A pack's id may have 39 characters, not one more."""
    pack = replace(PACKS[0], id="p" * 39)
    text = payload.write(payload.invoice_of(ACCOUNT, uuid4(), pack), KEY)
    assert len(text) == 128
    with pytest.raises(AssertionError):
        payload.write(INVOICE._replace(pack_id="p" * 40), KEY)


@given(st.data())
def test_29_no_changed_payload_is_ours(data: st.DataObject) -> None:
    """Threat 29: whatever is changed in a payload, it is not ours any more."""
    text = payload.write(INVOICE, KEY)
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    changed = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    carried = payload.read(changed)
    assert carried is None or not carried.is_ours(KEY)


@given(st.text(max_size=200))
def test_29_no_other_text_is_ours(text: str) -> None:
    """Threat 29: any other text is read as none of ours, without an exception."""
    carried = payload.read(text)
    assert carried is None or not carried.is_ours(KEY)


@pytest.mark.parametrize("tail", ["=", "\n", "A", "AAAA", " "])
def test_29_written_in_one_way(tail: str) -> None:
    """Threat 29: a payload has one form: what is added to it makes another text of it."""
    carried = payload.read(payload.write(INVOICE, KEY) + tail)
    assert carried is None or not carried.is_ours(KEY)


def test_29_another_account() -> None:
    """Threat 29: what is signed with another account's key is not ours."""
    carried = payload.read(payload.write(INVOICE, b"o" * 32))
    assert carried is not None
    assert not carried.is_ours(KEY)
