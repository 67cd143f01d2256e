"""What is told outside: decisions alone, in stable words, and nothing personal."""

from __future__ import annotations

import msgspec
import pytest

from events.base import Decision
from events.codec import EVENT_TYPES
from events.credits import CreditsSettled
from events.envelope import type_header_of
from events.examples import EVENTS
from events.outward import HEADERS, TYPES, encode_message, message_of

AT_MS = 1_767_225_600_000


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=lambda kind: kind.__name__)
def test_decisions_are_told_and_facts_are_not(kind: type) -> None:
    """Every decision has a type of its own outside; no fact has, since it may be void or late."""
    event = next(one for one in EVENTS if type(one) is kind)
    message = message_of(event, AT_MS)
    assert (message is not None) == issubclass(kind, Decision)
    assert (type_header_of(kind)[1] in HEADERS) == issubclass(kind, Decision)
    if message is not None:
        assert message.type in TYPES
        assert message.timestamp == "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ("completed", "generation.done"),
        ("failed", "generation.failed"),
        ("timed_out", "generation.failed"),
        ("erased", "generation.failed"),
        ("cancelled", "generation.cancelled"),
        ("something newer", "generation.failed"),
    ],
)
def test_settlements_are_told_in_the_words_of_the_api(outcome: str, told: str) -> None:
    """`done`, `failed`, `cancelled`: the status that GET /generations/{id} shows."""
    settled = next(one for one in EVENTS if type(one) is CreditsSettled)
    message = message_of(msgspec.structs.replace(settled, outcome=outcome), AT_MS)
    assert message is not None
    assert message.type == told
    assert message.data["status"] == told.partition(".")[2]


def test_nothing_sealed_leaves() -> None:
    """No message holds a sealed field, an account's id or a position in the chain."""
    for event in EVENTS:
        message = message_of(event, AT_MS)
        if message is not None:
            text = encode_message(message).decode()
            assert "v1." not in text
            assert event.account_id not in text
            assert "hash" not in text
