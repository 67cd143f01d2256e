"""Opaque texts: what was handed out comes back, anything else is refused."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.web.cursors import (
    CursorInvalid,
    Stored,
    consistency_token,
    decode_consistency_token,
    decode_cursor,
    decode_event_id,
    encode_cursor,
    event_id,
)

PLACE = msgspec.json.Decoder(tuple[Stored, UUID])


@given(st.integers(0, 999), st.integers(0, 2**53))
def test_a_place_comes_back(partition: int, offset: int) -> None:
    """Consistency tokens and event ids name the place they were made of."""
    assert decode_consistency_token(consistency_token(partition, offset)) == (partition, offset)
    assert decode_event_id(event_id(partition, offset)) == (partition, offset)


@given(st.integers(0, 2**53), st.uuids())
def test_a_cursor_comes_back(at_ms: int, name: UUID) -> None:
    """A page's cursor names the place it was made of."""
    assert decode_cursor(encode_cursor((at_ms, name)), PLACE) == (at_ms, name)


@given(st.text(max_size=600))
def test_any_other_text_is_refused(text: str) -> None:
    """Nothing but a refusal ever comes of a text that was not handed out."""
    for decode in (decode_consistency_token, decode_event_id):
        try:
            decode(text)
        except CursorInvalid:
            continue
    with pytest.raises(CursorInvalid):
        decode_cursor(text + "!", PLACE)


def test_a_cursor_of_another_kind_is_refused() -> None:
    """A history's cursor does not open the gallery."""
    with pytest.raises(CursorInvalid):
        decode_cursor(encode_cursor(7), PLACE)
