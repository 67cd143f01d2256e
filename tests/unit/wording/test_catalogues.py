"""The catalogues are whole: the same in each language, and what the program says is in them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fluent.syntax import ast as ftl

from commands.wording import LANGUAGES, WordingMissing, language_of, say
from tests.unit.wording import catalogues


@pytest.mark.parametrize("language", LANGUAGES)
def test_files_can_be_read(language: str) -> None:
    """Nothing in a catalogue is anything but messages: no line is lost as unreadable."""
    junk = [
        (topic, entry.content)
        for topic, _, entry in catalogues.entries(language)
        if isinstance(entry, ftl.Junk)
    ]
    assert junk == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_keys_are_their_topics(language: str) -> None:
    """A key begins with its file's name, and stands once."""
    keys = [(topic, key) for topic, key, _ in catalogues.entries(language)]
    assert [one for one in keys if not one[1].startswith(f"{one[0]}-")] == []
    assert len(keys) == len({key for _, key in keys})


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_languages_say_the_same(language: str) -> None:
    """Each language has the keys of the first, with the same arguments, and no other."""
    first, other = catalogues.messages(LANGUAGES[0]), catalogues.messages(language)
    assert first.keys() - other.keys() == set(), f"missing in {language}"
    assert other.keys() - first.keys() == set(), f"only in {language}"
    assert {key for key in first if first[key] != other[key]} == set(), "other arguments"


def test_what_is_said_is_there() -> None:
    """Every `say` in the program names a message, and just the arguments that it has."""
    known = catalogues.messages(LANGUAGES[0])
    wrong = [
        (place, key, names)
        for place, key, names in catalogues.sayings()
        if key not in known or (names is not None and names != known[key])
    ]
    assert wrong == []


def test_what_is_there_is_said() -> None:
    """No message is left over: the program holds each key as a whole string."""
    unused = catalogues.messages(LANGUAGES[0]).keys() - catalogues.constants()
    assert unused == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_can_be_said(language: str) -> None:
    """With its arguments each message becomes a sentence, whether they are words or numbers."""
    for key, names in catalogues.messages(language).items():
        for value in (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), 21, "x"):
            try:
                text = say(language, key, **dict.fromkeys(names, value))
            except WordingMissing:
                continue  # a date is no number, and the other way round
            assert text.strip(), key
            break
        else:
            raise AssertionError(f"{key} cannot be said in {language}")


def test_unknown_is_an_error() -> None:
    """A key that no catalogue has, and an argument that is missing, are never sent to people."""
    with pytest.raises(WordingMissing):
        say("en", "bot-no-such-thing")
    with pytest.raises(WordingMissing):
        say("en", "bot-button-again.no-such-attribute")


@pytest.mark.parametrize(
    ("tag", "language"),
    [("ru", "ru"), ("ru-RU", "ru"), ("RU_ru", "ru"), ("en-GB", "en"), ("de", "en"), (None, "en")],
)
def test_languages_of_people(tag: str | None, language: str) -> None:
    """A tag chooses its language whatever its region, and any unknown one English."""
    assert language_of(tag) == language
