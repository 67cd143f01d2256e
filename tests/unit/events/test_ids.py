"""Deterministic ids: the same work yields the same id, other work another."""

from __future__ import annotations

from uuid import uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import ids
from events.ids import AccountId

_ACCOUNT = AccountId("0a000000-0000-4000-8000-000000000001")


@given(st.lists(st.text(st.characters(codec="utf-8"))))
def test_derive_is_uuid5(parts: list[str]) -> None:
    """The fast form equals the standard library's UUIDv5, for every text."""
    assert ids.derive(*parts) == str(uuid5(ids.NAMESPACE, "\x1f".join(parts)))


def test_the_same_key_of_another_account_is_another_generation() -> None:
    """Idempotency keys are each account's own."""
    other = AccountId("0a000000-0000-4000-8000-000000000002")
    assert ids.generation_id(_ACCOUNT, "key") == ids.generation_id(_ACCOUNT, "key")
    assert ids.generation_id(_ACCOUNT, "key") != ids.generation_id(other, "key")


def test_parts_do_not_run_into_each_other() -> None:
    """Moving a character from one part to the next makes another id."""
    assert ids.derive("ab", "c") != ids.derive("a", "bc")


def test_a_decision_taken_again_on_a_newer_chain_is_another_event() -> None:
    """Its id contains its place in the chain, its cause and its kind."""
    first = ids.decision_id("h1", "c", "CreditsReserved")
    assert first == ids.decision_id("h1", "c", "CreditsReserved")
    others = {
        ids.decision_id("h2", "c", "CreditsReserved"),
        ids.decision_id("h1", "d", "CreditsReserved"),
        ids.decision_id("h1", "c", "GenerationRejected"),
    }
    assert first not in others
    assert len(others) == 3


def test_ids_do_not_change() -> None:
    """Ids written today must be found by every later version."""
    generation = ids.generation_id(_ACCOUNT, "key")
    assert generation == "34d67533-685b-5751-9c57-733bbe4cbc3c"
    assert ids.image_id(generation, 0) == "5a01508e-925a-5fc4-933d-4aca15f86163"
    assert ids.fact_id(generation, "requested") == "eed1c93b-d22d-5aca-a1ba-30d896839730"
    assert ids.welcome_source(_ACCOUNT) == "96b94450-e7b0-538b-afba-018b02232d74"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("0a000000-0000-4000-8000-000000000001", True),
        ("0A000000-0000-4000-8000-000000000001", False),
        ("{0a000000-0000-4000-8000-000000000001}", False),
        ("0a000000000040008000000000000001", False),
        ("0a000000-0000-4000-8000-000000000001\n", False),
        ("", False),
        ("../../etc", False),
    ],
)
def test_only_canonical_text_is_a_uuid(text: str, answer: bool) -> None:
    """One spelling per id, so that two never name the same thing."""
    assert ids.is_uuid(text) is answer
