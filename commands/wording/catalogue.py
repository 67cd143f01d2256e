"""The catalogues: `<language>/<topic>.ftl`, in Project Fluent's syntax (https://projectfluent.org).

A key stands once in a language, whatever its topic, and begins with the topic's name; each language
has the same keys with the same arguments (`tests/unit/wording` looks). Texts are plain: they are
sent without a parse mode, so that nothing that a person wrote can become markup.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from fluent.runtime import FluentBundle, FluentResource
from fluent.runtime.types import FluentNone

LANGUAGES: Final = ("en", "ru")
"""The languages that there are catalogues of; the first is for everybody else."""

Argument = str | int | datetime
"""What may stand in a sentence: numbers choose plurals and are written as the language writes
them, instants are written as a date (a time of day is asked for in the catalogue)."""

_HERE: Final = Path(__file__).parent


class WordingMissing(LookupError):
    """A sentence that no catalogue has, or one that lacks an argument: a defect of this program."""


def language_of(tag: str | None) -> str:
    """The catalogue for an IETF language tag (`ru-RU`: `ru`); the first one when it has none."""
    primary = (tag or "").replace("_", "-").split("-", 1)[0].lower()
    return primary if primary in LANGUAGES else LANGUAGES[0]


def say(language: str, key: str, **arguments: Argument) -> str:
    """A sentence.

    Args:
        language: an IETF language tag; `language_of` chooses the catalogue.
        key: of the message, beginning with its topic; `key.attribute` for an attribute.
        arguments: all that the message names, by name.

    Raises:
        WordingMissing: there is no such message, or an argument of it is missing.
    """
    bundle = _bundle(language_of(language))
    name, _, attribute = key.partition(".")
    if not bundle.has_message(name):
        raise WordingMissing(f"no message {key}")
    message = bundle.get_message(name)
    pattern = message.attributes.get(attribute) if attribute else message.value
    if pattern is None:
        raise WordingMissing(f"no message {key}")
    text, errors = bundle.format_pattern(pattern, arguments)
    if errors or isinstance(text, FluentNone):
        raise WordingMissing(f"{key}: {'; '.join(map(str, errors))}")
    return text


@cache
def _bundle(language: str) -> FluentBundle:
    # Without isolating: its invisible marks round every argument end up in what people copy.
    bundle = FluentBundle([language], use_isolating=False)
    for path in sorted((_HERE / language).glob("*.ftl")):
        bundle.add_resource(FluentResource(path.read_text(encoding="utf-8")))
    return bundle
