"""Letters that look alike (after Unicode's confusables, UTS 39), and digits that stand for letters.

One skeleton for all: what is drawn like a Latin letter is that letter, also in the word lists.
"""

# ruff: noqa: RUF001  (letters that look alike are what this table is about)
from __future__ import annotations

from typing import Final

_ALIKE: Final = {
    "a": "аɑα∂ᴀɐꭺᎪ",
    "b": "ьвƅʙᏏ",
    "c": "сϲᴄƈɔᏟ¢",
    "d": "ԁᴅɖɗđᎠ",
    "e": "еєεᴇǝəɛҽ℮зɜᎬэ",
    "f": "ғꜰƒϝ",
    "g": "ɡԍɢɠց",
    "h": "һнʜħիᎻ",
    "i": "іιıɪɩӏᎥ¡ɨ",
    "j": "јϳᴊʝɉᎫ",
    "k": "кκᴋƙĸᏦқ",
    "l": "ʟłƚɭլᏞ",
    "m": "мᴍɱᎷ",
    "n": "пηոɴɲŋռ",
    "o": "оοσօᴏøɵ",
    "p": "рρᴘƥᏢ",
    "q": "ԛզɋ",
    "r": "гʀɾɼɍᏒ",
    "s": "ѕꜱʂƨᏚ",
    "t": "тτᴛƭŧᎢ",
    "u": "υսцᴜʊʉ",
    "v": "ѵνᴠʋᏙ",
    "w": "ԝωшᴡɯաᎳщ",
    "x": "хχҳ᙭",
    "y": "уγүʏɣұᎽ¥",
    "z": "ᴢʐƶᏃ",
}
LOOK_ALIKES: Final[dict[str, str | None]] = {
    **{alike: latin for latin, alikes in _ALIKE.items() for alike in alikes},
    **{chr(0x1F1E6 + place): chr(ord("a") + place) for place in range(26)},  # flags' halves
    **{chr(0x1F170 + place): chr(ord("a") + place) for place in range(26)},  # squared letters
    **{chr(0x1F150 + place): chr(ord("a") + place) for place in range(26)},  # circled ones
    "æ": "ae",
    "œ": "oe",
    "\u115f": None,  # Hangul's fillers: letters that show nothing
    "\u1160": None,
}

_DIGITS: Final = {"0": "o", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g", "2": "z"}
_SIGNS: Final = {"@": "a", "$": "s", "€": "e", "+": "t", "(": "c"}
SIGNS: Final = (*_SIGNS, "!", "|")
"""What may stand for a letter within a word and is neither letter nor digit."""
LEET: Final = str.maketrans({**_DIGITS, **_SIGNS, "1": "i", "!": "i", "|": "i", "6": "g"})
LEET_L: Final = str.maketrans({**_DIGITS, **_SIGNS, "1": "l", "!": "l", "|": "l", "6": "b"})
"""The same, where a stroke is an `l` and a six a `b`."""
