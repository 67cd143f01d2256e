"""Sealing: it opens where it belongs and nowhere else."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.crypto.sealing import PLAINTEXT_BYTES_MAX, NotSealable, Unsealable, seal, unseal

KEY = bytes(range(32))
ACCOUNT = uuid.UUID(int=1)
EVENT = uuid.UUID(int=2)

texts = st.text(max_size=600)
ids = st.uuids()


def sealed_text(text: str = "a cat on the moon") -> str:
    return seal(KEY, text, account_id=ACCOUNT, event_id=EVENT, field="prompt")


@given(text=texts, account_id=ids, event_id=ids, field=st.text(min_size=1, max_size=20))
def test_opens_again(text: str, account_id: uuid.UUID, event_id: uuid.UUID, field: str) -> None:
    """What is sealed opens to the same text for the same account, event and field."""
    sealed = seal(KEY, text, account_id=account_id, event_id=event_id, field=field)
    assert unseal(KEY, sealed, account_id=account_id, event_id=event_id, field=field) == text


@given(text=texts, data=st.data())
def test_no_bit_may_flip(text: str, data: st.DataObject) -> None:
    """Any one flipped bit of the sealed text, in whatever place, makes it unsealable."""
    sealed = bytearray(sealed_text(text).encode("ascii"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Unsealable):
        unseal(KEY, sealed.decode("latin-1"), account_id=ACCOUNT, event_id=EVENT, field="prompt")


@given(text=texts, end=st.integers(0, 10_000))
def test_no_cut_opens(text: str, end: int) -> None:
    """A sealed text that was cut anywhere does not open."""
    sealed = sealed_text(text)
    with pytest.raises(Unsealable):
        unseal(KEY, sealed[: end % len(sealed)], account_id=ACCOUNT, event_id=EVENT, field="prompt")


@given(text=texts, other=ids.filter(lambda one: one not in {ACCOUNT, EVENT}))
@pytest.mark.parametrize("moved", ["account_id", "event_id", "field", "key", "both"])
def test_moved_does_not_open(text: str, other: uuid.UUID, moved: str) -> None:
    """Sealed for one account, event and field it does not open for another, or by another key."""
    place: dict[str, object] = {"account_id": ACCOUNT, "event_id": EVENT, "field": "prompt"}
    key = KEY
    if moved == "key":
        key = other.bytes * 2
    elif moved == "field":
        place["field"] = "negative_prompt"
    elif moved == "both":  # the same bytes in another order
        place |= {"account_id": EVENT, "event_id": ACCOUNT}
    else:
        place[moved] = other
    with pytest.raises(Unsealable):
        unseal(key, sealed_text(text), **place)  # type: ignore[arg-type]  # text all of it


@given(nonsense=st.text(max_size=200))
def test_nonsense_does_not_open(nonsense: str) -> None:
    """Any other text is unsealable, not a crash."""
    for text in (nonsense, "v1." + nonsense):
        with pytest.raises(Unsealable):
            unseal(KEY, text, account_id=ACCOUNT, event_id=EVENT, field="prompt")


def test_never_the_same_twice() -> None:
    """Sealing one text twice gives two texts, so nobody sees that a prompt was repeated."""
    assert sealed_text() != sealed_text()


def test_another_spelling_does_not_open() -> None:
    """Only the one spelling of the sealed bytes counts: no padding, no line ends, no spaces."""
    sealed = sealed_text("12345")
    for other in (sealed + "=", sealed + "\n", " " + sealed, sealed[:5] + "\n" + sealed[5:]):
        with pytest.raises(Unsealable):
            unseal(KEY, other, account_id=ACCOUNT, event_id=EVENT, field="prompt")


def test_length_is_bounded() -> None:
    """The longest text is sealed and opens; one byte more is refused without repeating it."""
    longest = "ü" * (PLAINTEXT_BYTES_MAX // 2)
    sealed = sealed_text(longest)
    opened = unseal(KEY, sealed, account_id=ACCOUNT, event_id=EVENT, field="prompt")
    assert opened == longest
    with pytest.raises(NotSealable) as refusal:
        sealed_text(longest + "x")
    assert "ü" not in str(refusal.value)


def test_lone_surrogate_is_refused() -> None:
    """Text that is no Unicode is refused without repeating it, also in the chain of errors."""
    with pytest.raises(NotSealable) as refusal:
        sealed_text("secret \ud800")
    assert "secret" not in str(refusal.value)
    assert refusal.value.__suppress_context__
