"""The word lists as data: what the files under `words/` say, ready to be looked up.

`rules.toml` has the rules: each holds when a text has something of every concept that it names.
The other files give each concept its words, one file a language, so that a text that mixes
languages is read like any other, and each rule its examples and near misses.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from commands.moderation.reading import Reading, skeleton, squeezed

STEM_CHARS_MIN: Final = 4
"""A shorter beginning of words (`por*`) would be that of too many."""
_HOME: Final = Path(__file__).with_name("words")


Term = tuple[str, tuple[str, ...]]
"""What to look for, and the concepts that it is of."""


class Rule(msgspec.Struct, frozen=True):
    """Something that may not be asked for."""

    id: str
    category: str
    """What its refusals are counted under."""
    all: tuple[str, ...]
    """Concepts, every one of which a text must have something of."""
    unless: tuple[str, ...] = ()
    """Concepts that make it harmless."""
    negative: str | None = None
    """A concept that must stand in the negative prompt, while `all` is in the other texts."""


class Examples(msgspec.Struct, frozen=True):
    """Of one rule in one language; the tests hold the lists to them."""

    match: tuple[str, ...]
    near: tuple[str, ...]
    """What looks like it and must pass, by every rule."""


class Language(msgspec.Struct, frozen=True):
    """One file of words."""

    concepts: dict[str, tuple[str, ...]]
    """Words; `beginning*` for all words that begin so, several words for a phrase; `word?` for what
    is a harmless word of another language: it counts only with others of this language."""
    harmless: tuple[str, ...] = ()
    """Phrases that are taken away before anything is looked for."""
    examples: dict[str, Examples] = {}


class Lists(msgspec.Struct, frozen=True):
    """All lists of one version."""

    version: str
    rules: tuple[Rule, ...]
    """In the order in which they are tried."""
    languages: dict[str, Language]


class Index:
    """Finds the concepts that a text has something of.

    Args:
        lists: what to look for.
    """

    def __init__(self, lists: Lists) -> None:
        self._words: dict[str, set[str]] = defaultdict(set)
        self._stems: dict[str, list[Term]] = defaultdict(list)
        self._phrases: dict[str, list[Term]] = defaultdict(list)
        self._han: dict[str, list[Term]] = defaultdict(list)
        self._harmless: dict[str, list[str]] = defaultdict(list)
        for name, language in lists.languages.items():
            for concept, terms in language.concepts.items():
                for term in terms:
                    alone = here(concept, name)
                    plain = term.removesuffix("?")
                    self._add(plain, (alone,) if plain != term else (alone, concept))
            for phrase in language.harmless:
                read = Reading(phrase)
                self._harmless[_begins(read)].append(read.han or read.line)
        self._known = frozenset(self._words)
        self._first_words = frozenset(self._phrases)
        self._first_han = frozenset(self._han)
        self._may_be_harmless = frozenset(self._harmless)

    def concepts(self, text: str) -> set[str]:
        """Every concept that the text has something of, and `here(…)` of each language."""
        read = Reading(text)
        self._leave_out_harmless(read)
        words, found = read.words, set[str]()
        for word in self._known & words:
            found |= self._words[word]
        stems = self._stems
        for word in words:
            for beginning, labels in stems.get(word[:STEM_CHARS_MIN], ()):
                if word.startswith(beginning):
                    found.update(labels)
        for word in self._first_words & words:
            for phrase, labels in self._phrases[word]:
                if phrase in read.line:
                    found.update(labels)
        if read.han:
            found.update(self._in_han(read.han))
        return found

    def _in_han(self, han: str) -> Iterator[str]:
        for one in self._first_han.intersection(han):
            for term, labels in self._han[one]:
                if term in han:
                    yield from labels

    def _leave_out_harmless(self, read: Reading) -> None:
        begun = self._may_be_harmless & read.words | self._may_be_harmless.intersection(read.han)
        if not begun:
            return
        before = set(read.line.split())
        for phrase in [one for first in begun for one in self._harmless[first]]:
            read.line, read.han = read.line.replace(phrase, " "), read.han.replace(phrase, " ")
        read.words -= before.difference(read.line.split())

    def _add(self, term: str, labels: tuple[str, ...]) -> None:
        read = Reading(term.removesuffix("*"))
        if read.han:
            self._han[read.han[0]].append((read.han, labels))
        elif term.endswith("*"):
            stem = skeleton(term[:-1])
            if len(stem) < STEM_CHARS_MIN:
                raise ValueError(f"{term} begins too many words.")
            self._stems[stem[:STEM_CHARS_MIN]].append((stem, labels))
        elif read.line.count(" ") > len("  "):
            self._phrases[_begins(read)].append((read.line, labels))
        else:
            word = read.line.strip()
            self._words[word].update(labels)
            if len(squeezed(word)) > 1:  # or a letter alone would be a word of the list
                self._words[squeezed(word)].update(labels)


def here(concept: str, language: str) -> str:
    """A concept by words of one language alone."""
    return f"{concept}@{language}"


def load() -> Lists:
    """The lists of this version of the program.

    Raises:
        ValueError: a file says what cannot be.
    """
    rules = _file("rules")
    names = sorted(path.stem for path in _HOME.glob("*.toml") if path.stem != "rules")
    languages = {name: msgspec.convert(_file(name), Language) for name in names}
    return msgspec.convert({**rules, "languages": languages}, Lists)


def _file(name: str) -> dict[str, Any]:
    return tomllib.loads((_HOME / f"{name}.toml").read_text("utf-8"))


def _begins(read: Reading) -> str:
    """By what it is found: its first character in Chinese, its first word elsewhere."""
    return read.han[0] if read.han else read.line.split()[0]
