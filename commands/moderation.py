"""The first moderation stage: a short list, matched in the gateway on what a prompt really says.

It catches the plain cases before anything is charged; the worker's stage and the provider's own
come after it. A match names a rule and the list's version, never the text. Matching is on words of
the text as a reader sees it: compatibility forms, look-alike letters of other scripts, digits in
place of letters, and letters spread out by blanks or dots all come to the same.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import chain
from typing import Final, NamedTuple

from commands.moderation_list import CONFUSABLES, LEET, RULES, VERSION
from events.generations import Moderation

_SPREAD = re.compile(r"(?<![a-z])(?:[a-z][^a-z]{1,3}){2,}[a-z](?![a-z])")
_NOT_WORDS = re.compile(r"[^a-z]+")
_REPEATED = re.compile(r"(.)\1{2,}")
_BLANKS = {code: " " for code in range(128) if not chr(code).islower()}
"""For texts in lower-case ASCII: what is no letter, as a blank."""
_HAS_LEET = re.compile(f"[{re.escape(''.join(map(chr, LEET)))}]")
_INVISIBLE = frozenset({"Mn", "Me", "Cf"})
"""Unicode categories of marks and of characters that do not show."""
_SINGLE_LETTERS_SUSPECT: Final = 3
"""From so many on, single letters may be a word that was spread out."""


class _Group(NamedTuple):
    words: frozenset[str]
    phrases: tuple[str, ...]


_RULES: Final = tuple(
    (
        rule_id,
        tuple(
            _Group(frozenset(words.split()), tuple(f" {one} " for one in phrases.split("|") if one))
            for words, phrases in groups
        ),
    )
    for rule_id, groups in RULES
)
_WORDS: Final = frozenset(
    chain.from_iterable(group.words for _, groups in _RULES for group in groups)
)
_PHRASES: Final = tuple(
    chain.from_iterable(group.phrases for _, groups in _RULES for group in groups)
)


def moderate(*texts: str | None) -> Moderation | None:
    """The first rule that the texts, taken together, are against; None: none."""
    letters = _letters(" ".join(text for text in texts if text))
    rule_id = _match(_words(letters))
    if rule_id is None and _HAS_LEET.search(letters):
        rule_id = _match(_words(letters.translate(LEET)))
    return None if rule_id is None else Moderation(rule_id=rule_id, list_version=VERSION)


def _letters(text: str) -> str:
    if text.isascii():  # most texts, and all that follows would leave them as they are
        return text.lower()
    folded = unicodedata.normalize("NFKD", text).casefold().translate(CONFUSABLES)
    return "".join(one for one in folded if unicodedata.category(one) not in _INVISIBLE)


def _words(letters: str) -> str:
    """The words, each between blanks; spread-out and drawn-out ones put right."""
    if letters.isascii():
        words = letters.translate(_BLANKS).split()
    else:
        words = _NOT_WORDS.sub(" ", letters).split()
    if [len(word) for word in words].count(1) >= _SINGLE_LETTERS_SUSPECT:
        words = _NOT_WORDS.sub(" ", _SPREAD.sub(_together, letters)).split()
    return _REPEATED.sub(_once, f" {' '.join(words)} ")


def _together(found: re.Match[str]) -> str:
    return _NOT_WORDS.sub("", found.group())


def _once(found: re.Match[str]) -> str:
    return found.group(1)


def _match(reading: str) -> str | None:
    words = frozenset(reading.split())
    if words.isdisjoint(_WORDS) and not any(phrase in reading for phrase in _PHRASES):
        return None
    for rule_id, groups in _RULES:
        if all(
            not words.isdisjoint(group.words) or any(one in reading for one in group.phrases)
            for group in groups
        ):
            return rule_id
    return None
