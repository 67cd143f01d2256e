"""The list behind the first moderation stage. Data; a change of it is a new `VERSION`.

A rule holds when a text has one word (or phrase) of each of its groups. All are in lower-case
Latin letters, as `moderation` reads texts; a letter that is repeated more than twice stands once.
"""

# ruff: noqa: RUF001  (letters that look alike are what this list is about)
from __future__ import annotations

from typing import Final

VERSION: Final = "2026-11-21"

_MINOR: Final = (
    "child children kid kids minor minors underage toddler toddlers infant infants baby babies "
    "teen teens teenage teenager teenagers preteen preteens loli lolita shota schoolgirl "
    "schoolgirls schoolboy schoolboys"
)
_SEXUAL: Final = (
    "nude nudes nudity naked sex sexy sexual sexually porn porno pornographic pornography erotic "
    "erotica hentai nsfw undress undressed undressing topless genital genitals lewd"
)
_MAKE: Final = "how to make|how to build"

RULES: Final[tuple[tuple[str, tuple[tuple[str, str], ...]], ...]] = (
    ("minors-sexual", ((_MINOR, ""), (_SEXUAL, ""))),
    ("minors-sexual", (("lolicon shotacon jailbait csam", "child porn"),)),
    (
        "sexual-explicit",
        (
            (
                "porn porno pornographic pornography hentai xxx gangbang bukkake",
                "hardcore sex",
            ),
        ),
    ),
    (
        "sexual-violence",
        (("rape rapes raped raping molest molests molested molesting", "sexual assault"),),
    ),
    (
        "non-consensual",
        (("deepfake deepfakes undress nudify", ""), ("nude nudes naked her him celebrity", "")),
    ),
    (
        "gore",
        (
            (
                "beheading decapitated decapitation dismembered dismemberment disembowelment",
                "snuff film",
            ),
        ),
    ),
    (
        "terror",
        (
            ("isis terrorist terrorists", "al qaeda"),
            ("propaganda recruit recruiting recruitment flag glory glorify execution", ""),
        ),
    ),
    (
        "weapons",
        (
            ("", _MAKE),
            ("bomb bombs explosive explosives ricin", "nerve agent|nerve agents|ghost gun"),
        ),
    ),
    (
        "self-harm",
        (("", "how to kill myself|how to commit suicide|how to cut myself|suicide instructions"),),
    ),
)
"""(rule id, groups); a group is words between blanks, and phrases between bars."""

_LOOK_ALIKES: Final = {
    "a": "аɑα∂",
    "b": "ьвƅ",
    "c": "сϲ",
    "d": "ԁ",
    "e": "еєёε",
    "g": "ɡԍ",
    "h": "һн",
    "i": "іιїı",
    "j": "јϳ",
    "k": "кκ",
    "l": "ӏ",
    "m": "м",
    "n": "пηո",
    "o": "оοσօ",
    "p": "рρ",
    "q": "ԛ",
    "r": "гʀ",
    "s": "ѕ",
    "t": "тτ",
    "u": "υսц",
    "v": "ѵν",
    "w": "ԝωш",
    "x": "хχ",
    "y": "уγү",
    "z": "ᴢ",
}
CONFUSABLES: Final = str.maketrans(
    {alike: latin for latin, alikes in _LOOK_ALIKES.items() for alike in alikes}
)
"""Letters of other scripts that are read as Latin ones (after Unicode's confusables, UTS 39)."""

LEET: Final = str.maketrans(
    {
        "0": "o",
        "1": "i",
        "!": "i",
        "3": "e",
        "4": "a",
        "@": "a",
        "5": "s",
        "$": "s",
        "7": "t",
        "8": "b",
        "9": "g",
    }
)
"""Digits and signs that stand for letters."""
