"""What an API key looks like, and what is none."""

from __future__ import annotations

import string
from hashlib import sha256

from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.access.api_keys_text import HINT_CHARS, KEY_CHARS, PREFIX, hash_of, hint_of, make_key

_CHARACTERS = string.ascii_letters + string.digits


def test_a_key_is_known_by_its_hash() -> None:
    """A new key is recognised; what is kept of it is its SHA-256."""
    key = make_key()
    assert key.startswith(PREFIX)
    assert len(key) == KEY_CHARS
    assert hash_of(key) == sha256(key.encode()).digest()


def test_keys_are_all_different() -> None:
    """A thousand keys are a thousand keys, and look nothing alike."""
    keys = {make_key() for _ in range(1000)}
    assert len(keys) == 1000
    assert len({key[len(PREFIX) : len(PREFIX) + 6] for key in keys}) > 990


def test_a_hint_tells_little() -> None:
    """The hint leaves 220 random bits unsaid."""
    key = make_key()
    assert key.startswith(hint_of(key))
    assert len(hint_of(key)) == HINT_CHARS == len(PREFIX) + 6


@given(st.integers(0, KEY_CHARS - 1), st.sampled_from(_CHARACTERS))
def test_a_mistyped_key_is_none(place: int, character: str) -> None:
    """A key with one character changed is not asked for in the database."""
    key = make_key()
    assume(key[place] != character)
    assert hash_of(key[:place] + character + key[place + 1 :]) is None


@given(st.text(max_size=80))
def test_any_other_text_is_none(text: str) -> None:
    """No text without the shape and the checksum is a key, whatever its characters."""
    assert hash_of(text) is None
    assert hash_of(PREFIX + text) is None


@given(st.text(alphabet=_CHARACTERS, min_size=49, max_size=49))
def test_the_right_shape_is_not_enough(body: str) -> None:
    """Forty-nine letters and digits are a key only with their checksum."""
    assert hash_of(PREFIX + body) is None


def test_what_stands_around_a_key_is_not_overlooked() -> None:
    """A blank, a line break, another digit's look-alike: none of them is taken."""
    key = make_key()
    for text in (key + "\n", " " + key, key + "0", key[:-1], key.upper(), key.replace("_", "-")):
        assert hash_of(text) is None
    assert hash_of(PREFIX + "٣" * 49) is None
