"""What is told of an event, and under which id."""

from __future__ import annotations

from typing import Any

import pytest

from events.credits import CreditsGranted, CreditsRevoked, CreditsSettled
from events.generations import GenerationRejected, GenerationStarted
from events.ids import AccountId, GenerationId, SourceId, is_uuid
from events.moderation import AppealOverturned, AppealUpheld
from processors.messages.composing import Place, appealed
from processors.messages.telling import Detail, expiry_note, note_of, pictures_after

ACCOUNT = AccountId("00000000-0000-4000-8000-000000000001")
GENERATION = GenerationId("00000000-0000-4000-8000-000000000002")
SOURCE = SourceId("00000000-0000-4000-8000-000000000003")
LINK: dict[str, Any] = {
    "account_id": ACCOUNT,
    "sequence": 1,
    "previous_hash": "0" * 64,
    "cause_hash": "1" * 64,
    "decided_at_ms": 1,
}


def settled(outcome: str) -> CreditsSettled:
    return CreditsSettled(**LINK, generation_id=GENERATION, outcome=outcome, captured=0, returned=0)


def revoked(why: str) -> CreditsRevoked:
    return CreditsRevoked(
        **LINK,
        source_id=SOURCE,
        refund_id="r" * 200,
        why=why,
        origin="stars",
        credits=5,
        debt_added=2,
    )


def test_an_id_is_the_events() -> None:
    """The same event has the same message whenever it is met, and another event another."""
    first, again, other = (note_of(settled("completed"), one) for one in ("a", "a", "b"))
    assert first is not None
    assert other is not None
    assert first == again
    assert first.message_id != other.message_id
    assert is_uuid(first.message_id)


@pytest.mark.parametrize("outcome", ["completed", "failed", "cancelled", "timed_out"])
def test_ends_are_told(outcome: str) -> None:
    """However a generation ends, it is told, about that generation."""
    note = note_of(settled(outcome), "a")
    assert note is not None
    assert (note.kind, note.about) == ("ended", GENERATION)


@pytest.mark.parametrize(
    "event",
    [
        settled("erased"),
        GenerationRejected(**LINK, generation_id=GENERATION, reason="account_erased"),
        revoked("carried_debt"),
        CreditsGranted(**LINK, source_id=SOURCE, why="welcome", origin="welcome", credits=1),
        object(),
    ],
)
def test_what_is_nobodys_news(event: object) -> None:
    """Of an erasure, a carried debt and a grant nothing is told."""
    assert note_of(event, "a") is None


def test_what_a_refund_says() -> None:
    """How much left and what is owed; ids of others are cut to what a row holds."""
    note = note_of(revoked("chargeback"), "a")
    assert note is not None
    assert note.detail == Detail(why="chargeback", credits=5, debt=2)
    assert len(note.about) == 100


@pytest.mark.parametrize(
    ("kind", "why"), [(AppealUpheld, "upheld"), (AppealOverturned, "overturned")]
)
def test_the_end_of_an_appeal_is_told(kind: type[Any], why: str) -> None:
    """Whichever way it was decided, in the person's language."""
    more = {"body_mac": "0" * 64} if kind is AppealOverturned else {}
    event = kind(
        account_id=ACCOUNT,
        occurred_at_ms=1,
        actor=ACCOUNT,
        generation_id=GENERATION,
        appeal_id=GENERATION,
        before=("open",),
        after=(why,),
        **more,
    )
    note = note_of(event, "a")
    assert note is not None
    assert (note.kind, note.about, note.detail) == ("appeal", GENERATION, Detail(why=why))
    texts = {appealed(Place(chat_id=1, language=one), note.detail).text for one in ("en", "ru")}
    assert len(texts) == 2


def test_a_start_is_told() -> None:
    """By its own id: a second attempt is told again, to the same message."""
    started = GenerationStarted(
        account_id=ACCOUNT, occurred_at_ms=1, generation_id=GENERATION, attempt=1, provider="local"
    )
    note = note_of(started, "a")
    assert note is not None
    assert (note.kind, note.about) == ("started", GENERATION)


def test_other_pictures_have_ids_of_their_own() -> None:
    """All but the first, each another message of the same result."""
    notes = pictures_after("n", GENERATION, 3)
    assert [one.detail.index for one in notes] == [1, 2]
    assert len({one.message_id for one in notes}) == 2
    assert pictures_after("n", GENERATION, 3) == notes
    assert pictures_after("n", GENERATION, 1) == []


def test_an_expiry_is_a_days() -> None:
    """One message for an account and a day."""
    assert expiry_note(ACCOUNT, 1) == expiry_note(ACCOUNT, 1)
    ids = {
        expiry_note(ACCOUNT, 1).message_id,
        expiry_note(ACCOUNT, 2).message_id,
        expiry_note(SOURCE, 1).message_id,
    }
    assert len(ids) == 3
