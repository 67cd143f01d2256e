"""A text as a reader sees it: its words, whatever tricks of Unicode, spacing or digits hide them.

Everything is read as one skeleton: compatibility forms are unfolded, marks and what does not show
are gone, and letters that look alike are one letter, of Latin where there is one. The word lists
are put through the same reading, so a Russian word spelt with Latin letters is itself again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from commands.moderation.look_alikes import LEET, LEET_L, LOOK_ALIKES, SIGNS

_BLANK: Final = " "
_INVISIBLE: Final = frozenset({"Mn", "Me", "Cf", "Cc"})
"""Unicode categories of marks and of characters that do not show."""
_KEPT_MAX: Final = 20_000
"""Characters of which it is remembered how they are read: nobody's text fills the memory."""
_SINGLE_LETTERS_SUSPECT: Final = 3
"""From so many on, single letters may be a word that was spread out."""
_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff"

_LETTERS = re.compile(r"[^\W\d_]+")
_ASCII_LETTERS = re.compile(r"[a-z]+")
_SPREAD = re.compile(r"(?<![^\W\d_])(?:[^\W\d_][\W\d_]{1,3}){2,}[^\W\d_](?![^\W\d_])")
_LOOSE = re.compile(r"(?<=[^\W\d_])[^\w\s]{1,3}(?=[^\W\d_])")
"""What stands between two letters and is no blank: `po.rn`, `p-orn`."""
_LEET_WORD = re.compile(rf"(?:[^\W_]|[{re.escape(''.join(SIGNS))}])+")
_HAS_LEET = re.compile(f"[0-9{re.escape(''.join(SIGNS))}]")
_DRAWN = re.compile(r"(.)\1{2,}")
_RUN = re.compile(r"(.)\1+")
_HAN_PARTS = re.compile(f"[{_HAN}]+")
_HAN_SPREAD = re.compile(f"(?<![{_HAN}])[{_HAN}](?:[^{_HAN}\\w]{{1,3}}[{_HAN}])+(?![{_HAN}])")


class _Table(dict[int, str | None]):
    """How each character is read; found out when it is first met."""

    def __missing__(self, code: int) -> str | None:
        one = chr(code)
        read = None if unicodedata.category(one) in _INVISIBLE and not one.isspace() else one
        if len(self) < _KEPT_MAX:
            self[code] = read
        return read


_TABLE: Final = _Table({ord(alike): latin for alike, latin in LOOK_ALIKES.items()})


class Reading:
    """What a text says.

    Attributes:
        words: every word of it, in every way that it may be read.
        line: the plain reading, words between single blanks, for phrases.
        han: its Chinese characters, in runs.
    """

    __slots__ = ("han", "line", "words")

    def __init__(self, text: str) -> None:
        seen = skeleton(text)
        pattern = _ASCII_LETTERS if seen.isascii() else _LETTERS
        plain = pattern.findall(seen)
        self.words = set(plain)
        if [len(word) for word in plain].count(1) >= _SINGLE_LETTERS_SUSPECT:
            together = _SPREAD.sub(_letters_of, seen)
            plain = pattern.findall(together)
            self.words.update(plain)
            self.words.update(_leet(together))
        loose = _LOOSE.sub("", seen)
        if len(loose) != len(seen):
            self.words.update(pattern.findall(loose))
            self.words.update(_leet(loose))
        self.words.update(_leet(seen))
        for word in [word for word in self.words if _DRAWN.search(word)]:
            self.words.update((_DRAWN.sub(r"\1", word), squeezed(word)))
        self.line = f" {' '.join(plain)} "
        self.han = "" if seen.isascii() else _han(seen)


def skeleton(text: str) -> str:
    """The text in small letters, one letter for all that look alike, without what does not show."""
    if text.isascii():  # most texts, and all that follows would leave them as they are
        return text.lower()
    return unicodedata.normalize("NFKD", text).casefold().translate(_TABLE)


def squeezed(word: str) -> str:
    """A word with every doubled letter once."""
    return _RUN.sub(r"\1", word)


def _leet(seen: str) -> Iterator[str]:
    """Words that have digits or signs for letters, read with letters."""
    if not _HAS_LEET.search(seen):
        return
    for word in set(_LEET_WORD.findall(seen)):
        if _HAS_LEET.search(word) and _LETTERS.search(word):
            yield word.translate(LEET)
            yield word.translate(LEET_L)


def _letters_of(found: re.Match[str]) -> str:
    return "".join(one for one in found.group() if one.isalpha() or ord(one) in LEET)


def _han(seen: str) -> str:
    together = _HAN_SPREAD.sub(lambda found: "".join(_HAN_PARTS.findall(found.group())), seen)
    return _BLANK.join(_HAN_PARTS.findall(together))
