"""What messages say."""

from __future__ import annotations

import msgspec
import pytest

from commands.wording import LANGUAGES
from processors.messages import calls, composing
from processors.messages.composing import PHOTO_BYTES_MAX, Place
from processors.messages.facts import Generation, Picture
from processors.messages.telling import Detail
from runtime.telegram.errors import TelegramBlocked, TelegramRefused

GENERATION = "00000000-0000-4000-8000-000000000002"
PICTURE = Picture("full.png", "preview.webp", 1000, 1024, 1024)
DONE = Generation(
    status="done",
    error_code=None,
    captured=2,
    failed_count=1,
    is_deleted=False,
    pictures=(PICTURE,),
)
HERE = Place(chat_id=7, language="en", edits=1)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", ["done", "failed", "cancelled", "rejected"])
def test_every_end_can_be_said(language: str, status: str) -> None:
    """In each language, for known and unknown reasons, in a chat and as a notice."""
    generation = msgspec.structs.replace(DONE, status=status)
    reasons = ["", "prohibited", "unavailable", "rate_limited", "insufficient_credits", "timed_out"]
    for why in [*reasons, "of_next_year"]:
        for edits in (1, None):
            place = Place(chat_id=7, language=language, edits=edits)
            said = composing.ended(
                place,
                GENERATION,
                msgspec.structs.replace(generation, error_code=why or None),
                Detail(why=why, credits=3, wait_ms=1500),
                left=1,
                app_url="https://app.example/",
            )
            assert said.text
            assert len(said.text) <= calls.CAPTION_MAX


def test_what_is_missing_is_said() -> None:
    """Pictures that could not be made are named, and cost nothing."""
    said = composing.ended(HERE, GENERATION, DONE, Detail(), left=1, app_url=None)
    assert "One picture could not be made: it costs nothing." in said.text
    assert said.photo == "full.png"


def test_done_without_a_picture_is_a_failure() -> None:
    """Where every picture was deleted there is none to show."""
    gone = msgspec.structs.replace(DONE, pictures=())
    said = composing.ended(HERE, GENERATION, gone, Detail(), left=1, app_url=None)
    assert said.photo is None


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({}, "full.png"),
        ({"size_bytes": PHOTO_BYTES_MAX + 1}, "preview.webp"),
        ({"width": 9_000}, "preview.webp"),
        ({"width": 30, "height": 1_024}, "preview.webp"),
    ],
)
def test_what_telegram_takes_as_a_photo(change: dict[str, int], shown: str) -> None:
    """Too large, too wide or too narrow: then its preview."""
    assert composing.photo_of(PICTURE._replace(**change)) == shown


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (TelegramBlocked("Forbidden: bot was blocked by the user"), "blocked"),
        (TelegramBlocked("Forbidden: user is deactivated"), "blocked"),
        (TelegramBlocked("Forbidden: bot can't initiate conversation with a user"), "closed"),
        (TelegramBlocked("Forbidden: bot was kicked from the group chat"), "closed"),
        (TelegramRefused("Bad Request: chat not found"), "nowhere"),
        (TelegramRefused("Bad Request: message to edit not found"), "nowhere"),
        (TelegramRefused("Bad Request: there is no text in the message to edit"), "overtaken"),
        (TelegramRefused("Bad Request: something else"), None),
    ],
)
def test_what_refusals_mean(error: TelegramRefused, why: str | None) -> None:
    """Why there is nobody to tell; anything else is a fault of ours."""
    assert calls.no_way(error) == why


def test_nothing_that_was_written_is_markup() -> None:
    """No call has a parse mode: not even the library's default."""
    for photo in (None, b"x"):
        for edits in (1, None):
            place = Place(chat_id=7, language="en", edits=edits)
            said = composing.ended(place, GENERATION, DONE, Detail(), left=1, app_url=None)
            method = calls.call_of(place, said, photo).model_dump(warnings=False)
            assert method.get("parse_mode", (method.get("media") or {}).get("parse_mode")) is None
